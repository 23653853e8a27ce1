package hook

import (
	"bytes"
	"runtime"
	"strconv"
	"strings"
)

// hotstartSites has, by place in the program that has asked for port 0, the goroutines
// that did. w.mu guards it.
var hotstartSites map[string][]string

// hotstartAskers is how many goroutines of one place are told apart: a server of FTP asks
// for a port in each of its connections.
const hotstartAskers = 64

// hotstartZero returns the third word of a want for port 0, "" for other addresses: by which
// functions it is called, not in which lines, which move with each edit, and the how
// manyeth goroutine calls.
func hotstartZero(name string) string {
	if !strings.HasSuffix(name, ":0") {
		return ""
	}
	site, goroutine := hotstartSite(), hotstartGoroutine()
	if hotstartSites == nil {
		hotstartSites = map[string][]string{}
	}
	n := 0
	for n < len(hotstartSites[site]) && hotstartSites[site][n] != goroutine {
		n++
	}
	if n == len(hotstartSites[site]) && n < hotstartAskers {
		hotstartSites[site] = append(hotstartSites[site], goroutine)
	}
	return " " + site + "." + strconv.Itoa(n)
}

// hotstartSite is a hash (FNV-1a) of the functions that are being called.
func hotstartSite() string {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
	hash := uint64(14695981039346656037)
	for {
		frame, more := frames.Next()
		for _, b := range []byte(frame.Function + "\n") {
			hash = (hash ^ uint64(b)) * 1099511628211
		}
		if !more {
			return strconv.FormatUint(hash, 16)
		}
	}
}

// hotstartGoroutine is the number of this goroutine: "goroutine 18 [running]: …".
func hotstartGoroutine() string {
	buf := make([]byte, 64)
	fields := bytes.Fields(buf[:runtime.Stack(buf, false)])
	if len(fields) < 2 {
		return ""
	}
	return string(fields[1])
}
