package main

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
)

// trust is the folder in which the user's word is kept: that the file of a
// path may give these orders. A file with other orders, or elsewhere, is
// another one.
type trust struct{ dir string }

// newTrust is that of this user, by the XDG Base Directory Specification.
func newTrust() (trust, error) {
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home, err := os.UserHomeDir()
		if err != nil {
			return trust{}, fmt.Errorf("looking for what is trusted: %w", err)
		}
		state = filepath.Join(home, ".local", "state")
	}
	return trust{filepath.Join(state, "hotstart", "trusted")}, nil
}

// record is the file whose being there is the user's word.
func (t trust) record(path string, orders []string) string {
	sum := sha256.Sum256([]byte(path + "\x00" + strings.Join(orders, "\x00")))
	return filepath.Join(t.dir, fmt.Sprintf("%x", sum))
}

func (t trust) has(path string, orders []string) bool {
	return len(orders) == 0 || isFile(t.record(path, orders))
}

// add remembers the user's word. What the record says is for people alone.
func (t trust) add(path string, orders []string) error {
	err := os.MkdirAll(t.dir, 0o700)
	if err == nil {
		err = os.WriteFile(t.record(path, orders), []byte(path+"\n"+strings.Join(orders, "\n")+"\n"), 0o600)
	}
	if err != nil {
		return fmt.Errorf("remembering that %s is trusted: %w", path, err)
	}
	return nil
}

// untrusted is a file whose orders nobody has looked at.
type untrusted struct {
	name   string
	orders []string
}

func (e *untrusted) Error() string {
	return fmt.Sprintf("%s has orders that you have not trusted yet:\n%s", e.name, list(e.orders))
}

// Hint is the next command to type.
func (e *untrusted) Hint() string { return "hotstart trust " + e.name }

// list shows orders as they are: nothing in them can hide a part of them from
// whoever reads it on a terminal.
func list(orders []string) string {
	var b strings.Builder
	for _, order := range orders {
		if strings.ContainsFunc(order, func(r rune) bool { return !unicode.IsPrint(r) }) {
			order = strconv.Quote(order)
		}
		b.WriteString("\n  " + order)
	}
	return b.String()[1:]
}

// trusted reports whether nothing in the file needs the user's word any more.
func (c *config) trusted() bool {
	t, err := newTrust()
	return len(c.orders) == 0 || err == nil && t.has(c.path, c.orders)
}

// obey makes sure that the user has seen the orders of the file: before, or
// by a flag, or now.
func (c *config) obey(u *ui, trusts bool, in io.Reader) error {
	if c.trusted() {
		return nil
	}
	t, err := newTrust()
	switch {
	case err != nil:
		return err
	case trusts:
		return t.add(c.path, c.orders)
	case !u.terminal || !isTerminal(in):
		return &untrusted{c.name(), c.orders}
	}
	u.say("%s wants to do more than run your program:\n%s", c.name(), list(c.orders))
	fmt.Fprintf(u, "  trust it, as long as that stays the same? [y/N] ")
	if !saysYes(in) {
		return errors.New("not trusted; --config=off does without it")
	}
	return t.add(c.path, c.orders)
}

func saysYes(in io.Reader) bool {
	line, _ := bufio.NewReader(in).ReadString('\n')
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes"
}
