package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// page URL STATUS REGEXP [ACCEPT [HOST]]: asks once.
func cmdPage(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	r, err := http.NewRequest("GET", args[0], nil)
	ts.Check(err)
	if len(args) > 3 {
		r.Header.Set("Accept", args[3])
	}
	if len(args) > 4 {
		r.Host = args[4]
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	ts.Check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	if strconv.Itoa(answer.StatusCode) != args[1] || !regexp.MustCompile(args[2]).Match(body) {
		ts.Fatalf("status %s, no %s in:\n%s", answer.Status, args[2], body)
	}
}

// closes URL BYTES: has its connection closed without an answer.
func cmdCloses(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	c, err := net.Dial("tcp", strings.TrimPrefix(args[0], "http://"))
	ts.Check(err)
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	bytes, err := strconv.Unquote(`"` + args[1] + `"`)
	ts.Check(err)
	fmt.Fprint(c, bytes)
	if answer, err := io.ReadAll(c); len(answer) > 0 || os.IsTimeout(err) {
		ts.Fatalf("answered by %q, %v", answer, err)
	}
}

// trouble URL: notes which trouble the page there shows. ! trouble URL: it is
// not the one noted before.
func cmdTrouble(ts *testscript.TestScript, neg bool, args []string) {
	answer, err := http.Head(args[0])
	ts.Check(err)
	defer answer.Body.Close()
	shows := answer.Header.Get("Hotstart-Failure")
	if before := ts.Getenv("TROUBLE"); shows == "" || neg && shows == before {
		ts.Fatalf("the page shows trouble %q, before %q", shows, before)
	}
	ts.Setenv("TROUBLE", shows)
}

// news URL REGEXP: waits for a match in the events that a page gets.
func cmdNews(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	client := &http.Client{Timeout: patience}
	answer, err := client.Get(args[0] + "/events")
	ts.Check(err)
	defer answer.Body.Close()
	re := regexp.MustCompile(args[1])
	var told []string
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if told = append(told, data); !json.Valid([]byte(data)) {
			ts.Fatalf("no JSON: %s", data)
		}
		if re.MatchString(data) {
			return
		}
	}
	ts.Fatalf("never told %s, but\n%s", re, strings.Join(told, "\n"))
}
