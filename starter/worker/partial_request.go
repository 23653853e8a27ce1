package worker

// Package hook has a copy of this file: it is in the language of Go 1.17.

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"unsafe"
)

// hasBegun reports whether a part of a request has been received on a connection that net/http
// calls idle: to net/http a connection is idle until the header is complete.
//
// net/http has no API for that. Counting received bytes would cost a system call for each request,
// or a net.Conn of another type than programs expect. So hasBegun reads unexported fields of net/http and crypto/tls,
// which are the same from Go 1.23 on. If a field is missing or has another type, no request has begun.
func hasBegun(srv *http.Server) (has bool) {
	var waiting []net.Conn // checked after the lock is released: their methods may be those of the program
	inside(srv, func(server reflect.Value) {
		conns := server.FieldByName("activeConn")
		if !conns.IsValid() || conns.Kind() != reflect.Map || conns.Type().Key().Kind() != reflect.Ptr {
			return
		}
		at, ok := findConn(conns.Type().Key().Elem())
		at.limit = 4096 + int64(http.DefaultMaxHeaderBytes) // net/http reads no longer header
		if srv.MaxHeaderBytes > 0 {
			at.limit = 4096 + int64(srv.MaxHeaderBytes)
		}
		for keys := conns.MapRange(); ok && !has && keys.Next(); {
			begun, waits := at.begun(unsafe.Pointer(keys.Key().Pointer()))
			has = begun
			if waits {
				waiting = append(waiting, at.of(unsafe.Pointer(keys.Key().Pointer())))
			}
		}
	})
	for i := 0; i < len(waiting) && !has; i++ {
		has = hasUnread(waiting[i]) || hasRecord(waiting[i])
	}
	return has
}

// inside calls look with a server whose lock is held. It does nothing if this net/http has no such lock.
func inside(srv *http.Server, look func(server reflect.Value)) {
	server := reflect.ValueOf(srv).Elem()
	mu := server.FieldByName("mu")
	if !mu.IsValid() || mu.Type() != reflect.TypeOf(sync.Mutex{}) {
		return
	}
	lock := (*sync.Mutex)(unsafe.Pointer(mu.UnsafeAddr()))
	lock.Lock()
	defer lock.Unlock()
	look(server)
}

// connFields holds the offsets of fields of net/http's conn, which show how much of a request has been read.
type connFields struct {
	state         uintptr // atomic.Uint64, in its last byte an http.ConnState
	conn          uintptr // net.Conn
	bytes         uintptr // *connReader
	remain        uintptr // int64 in *connReader, counted down from limit while a header is read, or else from far more
	buffer        uintptr // *bufio.Reader
	read, written uintptr // ints in *bufio.Reader: its buffered data is between them
	limit         int64
}

// findConn finds the fields of net/http's type conn.
func findConn(conn reflect.Type) (at connFields, ok bool) {
	if conn.Kind() != reflect.Struct {
		return at, false
	}
	reader, ok := conn.FieldByName("r")
	if !ok || reader.Type.Kind() != reflect.Ptr || reader.Type.Elem().Kind() != reflect.Struct {
		return at, false
	}
	at.bytes = reader.Offset
	buffer := reflect.TypeOf(bufio.Reader{})
	for _, f := range []struct {
		in   reflect.Type
		name string
		is   reflect.Type
		at   *uintptr
	}{
		{conn, "curState", reflect.TypeOf(atomic.Uint64{}), &at.state},
		{conn, "rwc", reflect.TypeOf((*net.Conn)(nil)).Elem(), &at.conn},
		{conn, "bufr", reflect.PointerTo(buffer), &at.buffer},
		{reader.Type.Elem(), "remain", reflect.TypeOf(int64(0)), &at.remain},
		{buffer, "r", reflect.TypeOf(0), &at.read},
		{buffer, "w", reflect.TypeOf(0), &at.written},
	} {
		field, ok := f.in.FieldByName(f.name)
		if !ok || field.Type != f.is {
			return at, false
		}
		*f.at = field.Offset
	}
	return at, true
}

// begun reports whether a request has begun, or else whether the connection waits for one. It reads fields that the
// goroutine of the connection may write at the same time; the next check reads them again.
//
//go:norace
func (at connFields) begun(conn unsafe.Pointer) (has, waits bool) {
	state := http.ConnState((*atomic.Uint64)(unsafe.Pointer(uintptr(conn)+at.state)).Load() & 0xff)
	if state != http.StateNew && state != http.StateIdle {
		return false, false
	}
	bytes := *(*unsafe.Pointer)(unsafe.Pointer(uintptr(conn) + at.bytes))
	buffer := *(*unsafe.Pointer)(unsafe.Pointer(uintptr(conn) + at.buffer))
	if bytes == nil || buffer == nil { // not read yet
		return false, true
	}
	remain := *(*int64)(unsafe.Pointer(uintptr(bytes) + at.remain))
	read := *(*int)(unsafe.Pointer(uintptr(buffer) + at.read))
	written := *(*int)(unsafe.Pointer(uintptr(buffer) + at.written))
	const unlimited = 1 << 62
	const preface = int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) // net/http may wait for it with this limit
	has = written > read ||
		state == http.StateIdle && remain < unlimited ||
		state == http.StateNew && remain > preface && remain < at.limit
	return has, !has
}

// of returns the net.Conn of a conn of net/http.
//
//go:norace
func (at connFields) of(conn unsafe.Pointer) net.Conn {
	return *(*net.Conn)(unsafe.Pointer(uintptr(conn) + at.conn))
}

// hasRecord reports whether crypto/tls has received a part of a record that it has not decrypted: the record may be
// incomplete or, behind the end of the handshake, net/http may not read yet. It reads fields that the goroutine of the
// connection may write at the same time.
//
//go:norace
func hasRecord(conn net.Conn) bool {
	secret, ok := conn.(*tls.Conn)
	if !ok {
		return false
	}
	raw, ok := reflect.TypeOf(secret).Elem().FieldByName("rawInput")
	if !ok || raw.Type != reflect.TypeOf(bytes.Buffer{}) {
		return false
	}
	data, ok := raw.Type.FieldByName("buf")
	read, known := raw.Type.FieldByName("off")
	if !ok || !known || data.Type != reflect.TypeOf([]byte(nil)) || read.Type != reflect.TypeOf(0) {
		return false
	}
	written := len(*(*[]byte)(unsafe.Pointer(uintptr(unsafe.Pointer(secret)) + raw.Offset + data.Offset)))
	return written > *(*int)(unsafe.Pointer(uintptr(unsafe.Pointer(secret)) + raw.Offset + read.Offset))
}
