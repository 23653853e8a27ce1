package adopt_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
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

// An idle client of h2c gets a GOAWAY that names the last stream, and then the end of the connection.
func TestH2CIdleConnection(t *testing.T) {
	t.Parallel()
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" // with SETTINGS
	const get = "\x00\x00\x04\x01\x05\x00\x00\x00\x01\x82\x86\x84\x81"                          // HEADERS: GET, http, /, and an authority
	program := framework(t, "h2c")
	address := freePort(t, "127.0.0.1")
	r := start(t, program, []string{address}, drainForever)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, preface+get)
	var last []uint32
	for in := bufio.NewReader(conn); ; {
		f, err := readFrame(in)
		if err != nil {
			break
		}
		switch {
		case f.kind == frameHeaders && f.stream == 1:
			r.reload()
		case f.kind == frameGoAway:
			last = append(last, binary.BigEndian.Uint32(f.payload))
		}
	}
	if want := []uint32{1}; !slices.Equal(last, want) {
		t.Errorf("the last streams of GOAWAY are %d, not %d", last, want)
	}
	r.left(1)
}

// An offer of h2c by Upgrade is answered by HTTP/1.1: the connection must not leave net/http, which asks its client to
// leave.
func TestH2CUpgradeIsDeclined(t *testing.T) {
	t.Parallel()
	program := framework(t, "h2c")
	address := freePort(t, "127.0.0.1")
	r := start(t, program, []string{address}, drainForever)
	request, _ := http.NewRequest("GET", "http://"+address, nil)
	request.Header.Set("Connection", "Upgrade, HTTP2-Settings")
	request.Header.Set("Upgrade", "h2c")
	request.Header.Set("HTTP2-Settings", "AAMAAABkAAQAAP__")
	response, err := newClient(t).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || len(body) == 0 || response.StatusCode != http.StatusOK || response.ProtoMajor != 1 {
		t.Errorf("%s, %q, %v, by %s", response.Status, body, err, response.Proto)
	}
	r.reload()
	r.left(1)
}
