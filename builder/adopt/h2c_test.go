package adopt_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// unencrypted has the protocols of a client of HTTP/2 without TLS.
func unencrypted() *http.Protocols {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return p
}

// golang.org/x/net/http2/h2c hijacks connections from net/http. Their clients still get GOAWAY, and lose no request.
func TestH2CLosesNothing(t *testing.T) {
	t.Parallel()
	program := framework(t, "h2c")
	address := freePort(t, "127.0.0.1")
	r := start(t, program, []string{address}, drainForever)
	l := newLoad()
	l.ask(8, "http://"+address, true, unencrypted())
	l.ask(2, "http://"+address+"?for=50ms", true, unencrypted())
	l.reloads(t, r, number("HOTSTART_RELOADS", 3), 1000)
	l.end(t)
}

// frame is a frame of HTTP/2: RFC 9113, section 4.1.
type frame struct {
	kind, flags byte
	stream      uint32
	payload     []byte
}

const (
	frameHeaders = 1
	frameGoAway  = 7
)

func readFrame(r io.Reader) (f frame, err error) {
	var head [9]byte
	if _, err = io.ReadFull(r, head[:]); err != nil {
		return f, err
	}
	f.kind, f.flags, f.stream = head[3], head[4], uint32(head[7])<<8|uint32(head[8])
	f.payload = make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	_, err = io.ReadFull(r, f.payload)
	return f, err
}

// An idle client of h2c, by prior knowledge or by Upgrade, gets a GOAWAY that allows all its streams, then a GOAWAY
// that names the last stream, and then the end of the connection.
func TestH2CIdleConnection(t *testing.T) {
	t.Parallel()
	const settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	const get = "\x00\x00\x04\x01\x05\x00\x00\x00%c\x82\x86\x84\x81" // HEADERS: GET, http, /, and an authority
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings
	for _, test := range []struct {
		name, hello, begin string
		stream             byte
	}{
		{"prior knowledge", "", preface, 1},
		{"Upgrade", "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", preface, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			program := framework(t, "h2c")
			address := freePort(t, "127.0.0.1")
			r := start(t, program, []string{address}, drainForever)
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			in := bufio.NewReader(conn)
			if test.hello != "" {
				fmt.Fprint(conn, test.hello)
				response, err := http.ReadResponse(in, nil)
				if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
					t.Fatal(response, err)
				}
			}
			fmt.Fprint(conn, test.begin+fmt.Sprintf(get, test.stream))
			var last []uint32
			for {
				f, err := readFrame(in)
				if err != nil {
					break
				}
				switch {
				case f.kind == frameHeaders && f.stream == uint32(test.stream):
					r.reload()
				case f.kind == frameGoAway:
					last = append(last, uint32(f.payload[0])<<24|uint32(f.payload[1])<<16|uint32(f.payload[2])<<8|uint32(f.payload[3]))
				}
			}
			if want := []uint32{1<<31 - 1, uint32(test.stream)}; !slices.Equal(last, want) {
				t.Errorf("the last streams of GOAWAY are %d, not %d", last, want)
			}
			r.left(1)
		})
	}
}

// A handler without h2c answers an offer of h2c by HTTP/1.1, as usual.
func TestH2CThatIsNotAccepted(t *testing.T) {
	t.Parallel()
	const program = `package main

import (
	"log"
	"net/http"
	"os"

	_ "golang.org/x/net/http2"
)

func main() {
	log.Fatal(http.ListenAndServe(os.Args[1], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("one\n"))
		w.(http.Flusher).Flush()
		http.NewResponseController(w).Flush()
		w.Write([]byte("two\n"))
	})))
}
`
	dir := module(t, map[string]string{
		"go.mod":  goMod + "\nrequire golang.org/x/net v1.999.0\n\nreplace golang.org/x/net => ./net\n",
		"main.go": program, "net/go.mod": "module golang.org/x/net\n", "net/http2/http2.go": "package http2\n",
	})
	address := freePort(t, "127.0.0.1")
	start(t, build(t, dir), []string{address}, nil)
	request, _ := http.NewRequest("POST", "http://"+address, strings.NewReader("x"))
	request.Header.Set("Connection", "Upgrade, HTTP2-Settings")
	request.Header.Set("Upgrade", "h2c")
	request.Header.Set("HTTP2-Settings", "AAMAAABkAAQAAP__")
	response, err := newClient(t).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "one\ntwo\n" || response.ProtoMajor != 1 {
		t.Errorf("%q, %v, by %s", body, err, response.Proto)
	}
}
