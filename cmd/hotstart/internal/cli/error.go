// Package cli has the error that ends a command: it carries an exit code and a
// hint.
package cli

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
	"github.com/hotstart/hotstart/starter"
)

// Exit codes. After a second signal that cuts the shutdown short, the exit code
// is 128 plus the number of the signal, as in a shell.
const (
	OK      = 0 // asked to stop, and every worker left in time
	Failure = 1
	Misuse  = 2 // invalid command line or settings
)

// An Error ends a command.
type Error struct {
	Err      error
	Code     int    // exit code
	Next     string // next command to type; empty: the hint of Err, if it has one
	Reported bool   // the user has seen the error already
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Hint returns the next command to type, or "".
func (e *Error) Hint() string {
	if e.Next != "" {
		return e.Next
	}
	return Hint(e.Err)
}

// Usage returns an error about the command line.
func Usage(err error, hint string) error { return &Error{Err: err, Code: Misuse, Next: hint} }

// WithHint returns err with the next command to type.
func WithHint(err error, hint string) error { return &Error{Err: err, Code: Code(err), Next: hint} }

// Signaled returns the error of a shutdown that a second signal has cut short.
func Signaled(sig syscall.Signal) *Error {
	return &Error{Err: fmt.Errorf("ended by %v", sig), Code: 128 + int(sig), Reported: true}
}

// Exited returns the error of a program that has exited, whose exit code
// becomes the exit code of hotstart.
func Exited(code int) *Error {
	return &Error{Err: fmt.Errorf("the program ended with exit code %d", code), Code: code, Reported: true}
}

// Hint returns the next command to type after err, or "".
func Hint(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

// IsReported reports whether the user has seen err already.
func IsReported(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Reported
}

// Code returns the exit code for err, which may be nil.
func Code(err error) int {
	var e *Error
	switch {
	case err == nil:
		return OK
	case errors.As(err, &e):
		return e.Code
	case isInput(err):
		return Misuse
	}
	return Failure
}

// isInput reports whether err is about something that the user has written.
func isInput(err error) bool {
	var setting *settings.Error
	var address *starter.FormatError
	var flag *builder.UsageError
	var packages *builder.ChoiceError
	var library *builder.NotMainError
	return errors.As(err, &setting) || errors.As(err, &address) || errors.As(err, &flag) || errors.As(err, &packages) || errors.As(err, &library)
}
