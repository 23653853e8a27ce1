package main

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/browser"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
	"github.com/hotstart/hotstart/templates"
)

// pages are what a browser sees of hotstart: the page in place of a program
// that is not there, and if asked for, a server for the pages of one that is.
type pages struct {
	instead *browser.Page
	server  *browser.Server // nil: not asked for
	starter *starter.Starter
}

// browserOff is --browser when nobody has given it.
const browserOff = "off"

// openPages begins with the server, if the options ask for one.
func openPages(o watchOptions) (*pages, error) {
	p := &pages{}
	if o.browser != browserOff || len(o.refresh) > 0 {
		port := 0
		if o.browser != browserOff {
			var err error
			if port, err = strconv.Atoi(o.browser); err != nil || port < 0 || port > 65535 {
				return nil, &usageError{err: fmt.Errorf("invalid --browser %q: want a port from 0 to 65535", o.browser), hint: "hotstart watch --browser"}
			}
		}
		var err error
		if p.server, err = browser.Listen(port, templates.Script); err != nil {
			return nil, fmt.Errorf("listening for browsers: %w", err)
		}
		go p.server.Serve() // until close
	}
	p.instead = browser.NewPage(templates.ErrorPage())
	return p, nil
}

func (p *pages) close() {
	p.instead.Close()
	if p.server != nil {
		p.server.Close()
	}
}

// environ tells the program where the script is.
func (p *pages) environ() []string {
	if p.server == nil {
		return nil
	}
	return []string{"HOTSTART_SCRIPT=" + p.server.URL()}
}

// working has whoever connects wait, if there is no worker: one may come.
func (p *pages) working() {
	p.instead.Show(nil)
	p.starter.StandIn(nil)
}

// trouble shows what is wrong, until working and mended.
func (p *pages) trouble(t *browser.Trouble) {
	p.instead.Show(t)
	p.starter.StandIn(func(c net.Conn) { p.instead.Take(c) })
	if p.server != nil {
		p.server.Trouble(t)
	}
}

// mended has what was wrong vanish.
func (p *pages) mended() {
	p.instead.Show(nil)
	if p.server != nil {
		p.server.Trouble(nil)
	}
}

// serves has pages from before a time load again.
func (p *pages) serves(before time.Time) {
	if p.server != nil {
		p.server.Reload(before)
	}
}

// refresh has pages load again for files that changed, or only their style
// sheets if the files are such.
func (p *pages) refresh(files []string) {
	if p.server == nil || len(files) == 0 {
		return
	}
	for _, file := range files {
		if filepath.Ext(file) != ".css" {
			p.server.Reload(time.Now())
			return
		}
	}
	p.server.Restyle(files)
}

// troubleOf is what a browser shows of an event, with the source around what
// is wrong.
func (u *watchUI) troubleOf(e event, what, standing string) *browser.Trouble {
	t := &browser.Trouble{Title: what, Standing: standing, At: time.Now().UnixMilli(), Output: strings.Join(e.Output, "\n")}
	if e.Reason != "" {
		t.Title += ": " + e.Reason
	}
	for _, p := range e.Errors[:min(len(e.Errors), manyErrors)] {
		shown := browser.Problem{Message: p.Message, Frame: excerpt(p.File, p.Line, p.Column)}
		if p.File != "" {
			shown.Place = u.name(p.File)
		}
		for _, n := range []int{p.Line, p.Column} {
			if n > 0 {
				shown.Place += fmt.Sprintf(":%d", n)
			}
		}
		t.Problems = append(t.Problems, shown)
	}
	return t
}

// excerpt is the line of a file with those before and after it, and a caret.
func excerpt(file string, line, column int) string {
	const around, wide = 2, 160
	var b strings.Builder
	for n := max(line-around, 1); n <= line+around && line > 0; n++ {
		text, ok := term.SourceLine(file, n)
		if !ok {
			break
		}
		mark, at := "  ", 0
		if n == line {
			mark, at = "> ", column
		}
		source, caret := term.Frame(text, at, wide)
		fmt.Fprintf(&b, "%s%5d | %s\n", mark, n, source)
		if caret != "" {
			fmt.Fprintf(&b, "        | %s\n", caret)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}
