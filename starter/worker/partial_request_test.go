package worker

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"reflect"
	"testing"
	"time"
)

// A request is answered if its first byte has been received, however long the rest of its header takes.
func TestDrainAnswersRequestsThatHaveBegun(t *testing.T) {
	t.Parallel()
	const request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nb"
	for _, test := range []struct {
		name   string
		before string // requests on the same connection
		begun  int    // bytes of it before the drain
		secret bool   // over TLS
	}{
		{"a byte", request, 1, false},
		{"half a line", request, 10, false},
		{"a line", request, len("POST / HTTP/1.1\r\n"), false},
		{"half a header", request, 30, false},
		{"half a header that came with the request before it", request, -30, false},
		{"a line over TLS", request, len("POST / HTTP/1.1\r\n"), true},
		{"half a first header", "", 30, false},
		{"half a first header over TLS", "", 30, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := inherited(t)
			var config *tls.Config
			if test.secret {
				config = serverTLS(t)
			}
			s.serve(t, quick, &http.Server{Handler: http.HandlerFunc(echo)}, config)
			c := s.dial(t)
			if test.secret {
				c = newClient(tls.Client(c.conn, &tls.Config{InsecureSkipVerify: true}))
			}
			begun := request[:max(test.begun, -test.begun)]
			if test.begun < 0 {
				io.WriteString(c.conn, test.before+begun)
			} else {
				io.WriteString(c.conn, test.before)
			}
			if test.before != "" {
				_, answer, err := c.receive()
				check(t, "asking", err)
				if answer != "0 b" {
					t.Errorf("got %q", answer)
				}
			}
			if test.begun > 0 {
				io.WriteString(c.conn, begun)
			}
			waitFor(t, "the beginning of the request", func() bool { return hasBegun(s.server) })
			s.drain(t)
			time.Sleep(2*quick.fresh + 4*drainPoll) // for an end that must not come
			io.WriteString(c.conn, request[len(begun):])
			resp, answer, err := c.receive()
			check(t, "asking while it drains", err)
			if answer != "0 b" || !resp.Close {
				t.Errorf("got %q, the last one %v", answer, resp.Close)
			}
			s.checkEnd(t)
		})
	}
}

// A record of TLS may arrive in parts, or during the handshake of the server.
func TestDrainAnswersRequestsInRecordsThatAreNotRead(t *testing.T) {
	t.Parallel()
	const request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nb"
	for _, test := range []struct {
		name   string
		before bool // a request on the same connection
		later  int  // bytes of the record that arrive during the drain
		held   bool // the handshake ends during the drain
	}{
		{"half a record", true, 20, false},
		{"half a first record", false, 20, false},
		{"a record behind a handshake", false, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := inherited(t)
			config, entered, release := serverTLS(t), make(chan struct{}, 1), make(chan struct{})
			if test.held {
				config.ClientAuth = tls.RequestClientCert // so that the client has sent its last part of the handshake
				config.VerifyConnection = func(tls.ConnectionState) error {
					entered <- struct{}{}
					<-release
					return nil
				}
			}
			s.serve(t, quick, &http.Server{Handler: http.HandlerFunc(echo)}, config)
			collected := &collecting{Conn: s.dial(t).conn, through: 1} // the first part of the handshake
			c := newClient(tls.Client(collected, &tls.Config{InsecureSkipVerify: true}))
			if test.before {
				collected.through = 1000
				c.mustDo(t, "POST", "a")
				collected.through = 0
			}
			io.WriteString(c.conn, request)
			now := len(collected.data) - test.later
			collected.Conn.Write(collected.data[:now])
			if test.held {
				await(t, "the handshake", entered)
			}
			waitFor(t, "the beginning of the request", func() bool { return hasBegun(s.server) })
			s.drain(t)
			time.Sleep(2*quick.fresh + 4*drainPoll) // for an end that must not come
			close(release)
			collected.Conn.Write(collected.data[now:])
			resp, answer, err := c.receive()
			check(t, "asking while it drains", err)
			if answer != "0 b" || !resp.Close {
				t.Errorf("got %q, the last one %v", answer, resp.Close)
			}
			s.checkEnd(t)
		})
	}
}

// collecting lets some writes through, and collects the others.
type collecting struct {
	net.Conn
	through int
	data    []byte
}

func (c *collecting) Write(b []byte) (int, error) {
	if c.through > 0 {
		c.through--
		return c.Conn.Write(b)
	}
	c.data = append(c.data, b...)
	return len(b), nil
}

// An idle connection has no request, also where net/http waits for the preface of HTTP/2.
func TestHasBegun(t *testing.T) {
	t.Parallel()
	for name, protocols := range map[string]*http.Protocols{"HTTP/1": nil, "HTTP/2 without TLS": unencrypted()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if protocols != nil {
				protocols.SetHTTP1(true)
			}
			s := inherited(t)
			s.serve(t, quick, &http.Server{Handler: http.HandlerFunc(echo), Protocols: protocols}, nil)
			idle, fresh := s.dial(t), s.dial(t)
			idle.mustDo(t, "POST", "a")
			get(t, s.network, s.address) // so that fresh is accepted
			waitFor(t, "both to wait", func() bool { return !hasBegun(s.server) })
			for range 100 {
				if hasBegun(s.server) {
					t.Fatal("a request has begun")
				}
			}
			fresh.conn.Close()
			s.drain(t)
			s.checkEnd(t)
		})
	}
}

// In a net/http with other fields no request has begun.
func TestFieldsOfAnotherHTTP(t *testing.T) {
	t.Parallel()
	for _, other := range []any{0, struct{ r int }{}, struct{ r *struct{ remain int32 } }{}, struct {
		r   *struct{ remain int32 }
		rwc net.Conn
	}{}} {
		if at, ok := findConn(reflect.TypeOf(other)); ok {
			t.Errorf("%T: %+v", other, at)
		}
	}
}

// A method of the program's own connection may need the lock of the server.
func TestBegunCallsNothingUnderTheLock(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, "listening", err)
	srv := &http.Server{Handler: http.HandlerFunc(echo)}
	asked := make(chan struct{}, 1)
	go srv.Serve(&wrapping{l, func(conn net.Conn) net.Conn { return &demanding{conn, srv, asked} }})
	defer srv.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	check(t, "dialling", err)
	defer c.Close()
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		for len(asked) == 0 {
			hasBegun(srv)
		}
	}()
	await(t, "the end of a look at the connection", looked)
}

type wrapping struct {
	net.Listener
	wrap func(net.Conn) net.Conn
}

func (w *wrapping) Accept() (net.Conn, error) {
	conn, err := w.Listener.Accept()
	if err == nil {
		conn = w.wrap(conn)
	}
	return conn, err
}

// demanding locks its server for a moment.
type demanding struct {
	net.Conn
	srv   *http.Server
	asked chan struct{}
}

func (d *demanding) NetConn() net.Conn {
	d.srv.RegisterOnShutdown(func() {})
	select {
	case d.asked <- struct{}{}:
	default:
	}
	return d.Conn
}
