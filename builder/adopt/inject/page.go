package inject

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The methods of a ResponseWriter of net/http, for HTTP/1 and for HTTP/2. A wrapped one has the same methods.
type (
	hotstartWriter interface {
		http.ResponseWriter
		http.Flusher
		io.StringWriter
		CloseNotify() <-chan bool
		FlushError() error
		SetReadDeadline(time.Time) error
		SetWriteDeadline(time.Time) error
		EnableFullDuplex() error
	}
	hotstartWriter1 interface {
		hotstartWriter
		http.Hijacker
		io.ReaderFrom
	}
	hotstartWriter2 interface {
		hotstartWriter
		http.Pusher
	}
)

// hotstartPage is the answer to a navigation. It passes everything on, and adds a tag to a page of HTML: where its head
// begins, so that the script sees the errors of the page's own scripts, or at its end if the head is not found.
type hotstartPage struct {
	hotstartWriter
	pages *hotstartPages

	kind   int    // hotstartUnknown, hotstartSniffed, hotstartHTML or hotstartOther
	begun  []byte // begin of the body
	length int64  // of the body, as the handler has promised; -1 without a Content-Length
	sent   int64  // bytes of the body
	policy string // Content-Security-Policy
	tag    string
	inHead bool // the tag has been sent
}

const (
	hotstartUnknown = iota // the answer has not begun
	hotstartSniffed        // the handler has set no Content-Type: the body tells it
	hotstartHTML
	hotstartOther

	// hotstartSniffSize is the number of bytes that net/http needs to find out a type.
	hotstartSniffSize = 512
	// hotstartHeadSize is the size of the begin of a page in which a tag of the program's own and a policy are found.
	// The script does nothing when it is loaded twice. Of a large page, a search in 64 KiB would take a tenth of the time
	// that sending 5 MB takes.
	hotstartHeadSize = 4 << 10
)

type hotstartPage1 struct {
	*hotstartPage
	inner hotstartWriter1
}

type hotstartPage2 struct {
	*hotstartPage
	http.Pusher
}

// wrap returns w as a page, and the ResponseWriter for the handler; nil if w is not of net/http's server.
func (p *hotstartPages) wrap(w http.ResponseWriter) (*hotstartPage, http.ResponseWriter) {
	switch inner := w.(type) {
	case hotstartWriter1:
		page := &hotstartPage{hotstartWriter: inner, pages: p}
		return page, hotstartPage1{page, inner}
	case hotstartWriter2:
		page := &hotstartPage{hotstartWriter: inner, pages: p}
		return page, hotstartPage2{page, inner}
	}
	return nil, nil
}

// Unwrap is for [http.ResponseController].
func (p *hotstartPage) Unwrap() http.ResponseWriter { return p.hotstartWriter }

// WriteHeader implements [http.ResponseWriter].
func (p *hotstartPage) WriteHeader(status int) {
	if p.kind == hotstartUnknown && (status >= 200 || status == http.StatusSwitchingProtocols) {
		p.begin(status, nil)
	}
	p.hotstartWriter.WriteHeader(status)
}

// begin decides whether the answer is a page, and changes its header. It is called before the header is sent, with the
// begin of the body if that is known.
func (p *hotstartPage) begin(status int, body []byte) {
	p.kind = hotstartOther
	header := p.Header()
	for _, name := range []string{"Content-Encoding", "Content-Range", "Content-Disposition", "Transfer-Encoding"} {
		if header.Get(name) != "" {
			return
		}
	}
	if status < 200 || status == http.StatusNoContent || status >= 300 && status < 400 ||
		strings.Contains(strings.Join(header["Cache-Control"], ","), "no-transform") {
		return
	}
	types, typed := header["Content-Type"]
	length, tagged := header["Content-Length"], header["Etag"] != nil
	switch {
	case typed && (len(types) == 0 || !hotstartIsHTML(types[0])):
		return
	case typed:
		p.kind = hotstartHTML
	case length == nil && !tagged:
		p.kind = hotstartSniffed // no header depends on the type
	case hotstartIsHTML(http.DetectContentType(body)):
		p.kind = hotstartHTML
	default:
		return
	}
	p.policy = strings.Join(header["Content-Security-Policy"], ",")
	name := "hotstart.js"
	if p.pages.isDraining() {
		name += "?old" // reloads at once, from a newer worker
		header.Set("Cache-Control", "no-store")
	}
	p.tag = `<script src="` + hotstartOwnPath + name + `"` + hotstartNonce(p.policy) + "></script>"
	p.length = -1
	if length != nil {
		n, err := strconv.ParseInt(length[0], 10, 64)
		if err != nil || n < 0 {
			p.kind = hotstartOther
			return
		}
		p.length = n
		header.Set("Content-Length", strconv.FormatInt(n+int64(len(p.tag)), 10))
	}
	if tagged && strings.HasPrefix(header.Get("Etag"), `"`) {
		header.Set("Etag", "W/"+header.Get("Etag"))
	}
}

func hotstartIsHTML(kind string) bool {
	kind = strings.TrimSpace(strings.SplitN(kind, ";", 2)[0])
	return strings.EqualFold(kind, "text/html")
}

// hotstartNonce returns the attribute for a script under a Content-Security-Policy, "" if that has no nonce.
func hotstartNonce(policy string) string {
	if i := strings.Index(policy, "script-src"); i >= 0 {
		policy = policy[i:]
	}
	_, rest, _ := strings.Cut(policy, "'nonce-")
	nonce, _, found := strings.Cut(rest, "'")
	if !found || strings.ContainsAny(nonce, "\"&<>") {
		return ""
	}
	return ` nonce="` + nonce + `"`
}

// see is called before a part of the body is sent. It needs the begin of the part, and returns where in it the tag
// belongs; 0 if that is not in this part.
func (p *hotstartPage) see(begin []byte, size int) (at int, err error) {
	if p.kind == hotstartUnknown {
		p.begin(http.StatusOK, begin)
	}
	if p.kind == hotstartOther {
		return 0, nil
	}
	if p.length >= 0 && p.sent+int64(size) > p.length {
		return 0, http.ErrContentLength // net/http allows the size of the tag more
	}
	if !p.inHead && p.length < 0 && bytes.Contains(begin, []byte("/hotstart.js")) {
		p.kind = hotstartOther
		return 0, nil
	}
	first := p.sent == 0
	p.sent += int64(size)
	p.begun = append(p.begun, begin...)
	if p.kind == hotstartSniffed && (first || len(p.begun) >= hotstartSniffSize) {
		p.sniff(len(p.begun) >= hotstartSniffSize)
	}
	if first && p.kind == hotstartHTML {
		at = hotstartHead(begin)
		p.inHead = at > 0
	}
	return at, nil
}

// hotstartHead returns where the content of a page's head begins; 0 if the page does not begin with one of these tags:
// before a doctype, an element would change how the browser shows the page.
func hotstartHead(page []byte) (at int) {
	for _, tag := range []string{"<!doctype", "<html", "<head"} {
		rest := bytes.TrimLeft(page[at:], " \t\r\n\f")
		end := bytes.IndexByte(rest, '>')
		if end < len(tag) || !strings.EqualFold(string(rest[:len(tag)]), tag) || !strings.ContainsAny(string(rest[len(tag)]), " \t\r\n\f>") {
			continue
		}
		at = len(page) - len(rest) + end + 1
	}
	return at
}

// headOf returns how much of the next part of the body see needs.
func (p *hotstartPage) headOf(size int) int {
	if p.kind == hotstartOther || p.sent >= hotstartHeadSize {
		return 0
	}
	if size > hotstartHeadSize {
		return hotstartHeadSize
	}
	return size
}

// sniff decides by the begin of the body, as net/http does when it sends the header. More of the body may come, unless
// the begin is complete.
func (p *hotstartPage) sniff(complete bool) {
	if len(p.begun) > 0 && hotstartIsHTML(http.DetectContentType(p.begun)) {
		p.kind = hotstartHTML
	} else if complete {
		p.kind = hotstartOther
	}
}

// Write implements [io.Writer].
func (p *hotstartPage) Write(b []byte) (int, error) {
	at, err := p.see(b[:p.headOf(len(b))], len(b))
	if err != nil {
		return 0, err
	}
	if at == 0 {
		return p.hotstartWriter.Write(b)
	}
	n, err := p.hotstartWriter.Write(b[:at])
	if err == nil {
		_, err = p.hotstartWriter.WriteString(p.tag)
	}
	if err != nil {
		return n, err
	}
	rest, err := p.hotstartWriter.Write(b[at:])
	return n + rest, err
}

// WriteString implements [io.StringWriter].
func (p *hotstartPage) WriteString(s string) (int, error) {
	head := p.headOf(len(s))
	if head == 0 {
		if _, err := p.see(nil, len(s)); err != nil {
			return 0, err
		}
		return p.hotstartWriter.WriteString(s)
	}
	n, err := p.Write([]byte(s[:head]))
	if err != nil || head == len(s) {
		return n, err
	}
	rest, err := p.WriteString(s[head:])
	return n + rest, err
}

// Flush implements [http.Flusher].
func (p *hotstartPage) Flush() { p.FlushError() }

// FlushError is for [http.ResponseController].
func (p *hotstartPage) FlushError() error {
	if p.kind == hotstartUnknown {
		p.begin(http.StatusOK, nil)
	}
	if p.kind == hotstartSniffed {
		p.sniff(true)
	}
	return p.hotstartWriter.FlushError()
}

// Hijack implements [http.Hijacker].
func (p hotstartPage1) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	p.kind = hotstartOther
	return p.inner.Hijack()
}

// ReadFrom implements [io.ReaderFrom]. net/http may copy a file without reading it.
func (p hotstartPage1) ReadFrom(from io.Reader) (n int64, err error) {
	if p.kind == hotstartUnknown && p.Header()["Content-Type"] != nil {
		p.begin(http.StatusOK, nil)
	}
	if p.kind < hotstartHTML || p.kind == hotstartHTML && p.sent == 0 {
		n, err = io.Copy(struct{ io.Writer }{p}, io.LimitReader(from, hotstartSniffSize))
		if n < hotstartSniffSize || err != nil {
			return n, err
		}
	}
	rest, err := p.inner.ReadFrom(from)
	p.sent += rest
	return n + rest, err
}

// finish adds the tag when the handler has returned, unless the head has it. A page that is shorter than promised stays
// incomplete.
func (p *hotstartPage) finish() {
	if p.kind == hotstartSniffed {
		p.sniff(true)
	}
	if p.kind != hotstartHTML || p.length >= 0 && p.sent != p.length {
		return
	}
	if !p.inHead {
		p.hotstartWriter.WriteString(p.tag)
	}
	if meta := hotstartMeta(p.begun); p.policy != "" || meta != "" {
		go p.pages.check(p.policy, meta, p.tag, p.inHead) // ends with the answer of hotstart
	}
}

// hotstartMeta returns the element of a page that has a Content-Security-Policy, in lower case; "" if there is none.
func hotstartMeta(page []byte) string {
	page = bytes.ToLower(page)
	i := bytes.Index(page, []byte("content-security-policy"))
	if i < 0 {
		return ""
	}
	begin, end := bytes.LastIndexByte(page[:i], '<'), bytes.IndexByte(page[i:], '>')
	if begin < 0 || end < 0 {
		return ""
	}
	return string(page[begin : i+end+1])
}
