package term

import (
	"bytes"
	"context"
	"time"
	"unicode/utf8"
)

// decoder finds the keys among the bytes that a terminal sends. The other bytes are
// control functions (ECMA-48 and Xterm's control sequences): arrow and function keys,
// mouse reports, pasted text, and replies to queries of the program. A sequence may be
// spread over any number of reads. The zero value is ready for use.
type decoder struct {
	state  decoderState
	params []byte // first bytes of the parameters of a control sequence
	lead   byte   // first byte of a character in UTF-8
	left   int    // remaining bytes of that character, or of a mouse report
	ending int    // bytes of pasteEnds that matched
}

type decoderState int

const (
	ground        decoderState = iota
	character                  // in a character of several bytes
	escaped                    // after ESC; a key with Alt if no sequence follows
	altCharacter               // in a character of several bytes after ESC
	intermediate               // after ESC and a byte from 0x20 to 0x2f
	control                    // after CSI
	linuxFunction              // after CSI [, which the Linux console sends for F1 to F5
	single                     // after SS3
	mouse                      // in the three bytes after CSI M
	text                       // in the string of DCS, SOS, OSC, PM or APC
	textEscaped                // after ESC in such a string
	paste                      // in pasted text
)

const (
	bel, can, sub, esc = 0x07, 0x18, 0x1a, 0x1b

	pasteBegins, pasteEnds = "200", "\x1b[201~"

	// The pauses after which an incomplete sequence is dropped. ESC alone is a key; a
	// sequence may come in pieces over a slow network.
	escapePause   = 300 * time.Millisecond
	sequencePause = 2 * time.Second
)

// pause returns the time without input after which reset is called; 0: never.
func (d *decoder) pause() time.Duration {
	switch {
	case d.state == escaped:
		return escapePause
	case d.state != ground:
		return sequencePause
	}
	return 0
}

func (d *decoder) reset() { *d = decoder{} }

// keys decodes the bytes of one read, and returns the keys that were pressed. Different
// printable characters in a row were pasted, and are not keys.
func (d *decoder) keys(read []byte) []byte {
	var pressed, run, printable []byte
	for _, b := range read {
		switch d.take(b) {
		case controlKey:
			run = append(run, b)
		case printableKey:
			if printable = append(printable, b); b < utf8.RuneSelf { // otherwise b ends a longer character
				run = append(run, b)
			}
		}
		if d.state != ground && d.state != character {
			pressed = append(pressed, typed(run, printable)...)
			run, printable = nil, nil
		}
	}
	return append(pressed, typed(run, printable)...)
}

// typed returns the keys of a run without a sequence in it, if the run was typed.
func typed(run, printable []byte) []byte {
	if len(printable) > 0 && bytes.Count(printable, printable[:1]) < len(printable) {
		return nil
	}
	return run
}

// What a byte completes.
const (
	noKey        = iota
	controlKey   // a control character
	printableKey // any other
)

func (d *decoder) take(b byte) (completes int) {
	switch d.state {
	case ground:
		return d.begin(b)
	case character, altCharacter:
		return d.continued(b)
	case mouse:
		if d.left--; d.left == 0 {
			d.state = ground
		}
		return noKey
	case paste:
		d.takePasted(b)
		return noKey
	}
	switch {
	case b == can || b == sub:
		d.state = ground
	case b == esc && d.state == text:
		d.state = textEscaped
	case b == esc:
		d.state = escaped
	case d.state == text:
		d.takeText(b)
	case d.state != escaped && b < ' ': // a terminal acts on it and stays in the sequence
	case b >= utf8.RuneSelf && (d.state != escaped || b < 0xc0):
		d.state = ground
		return d.begin(b)
	case d.state == escaped || d.state == textEscaped:
		d.escape(b)
	case d.state == control:
		d.takeControl(b)
	case d.state == linuxFunction,
		d.state == intermediate && b >= '0',
		d.state == single && (b < '0' || b > ';'): // some terminals send parameters here, too
		d.state = ground
	}
	return noKey
}

func (d *decoder) begin(b byte) int {
	switch {
	case b == esc:
		d.state = escaped
	case b < ' ' || b == 0x7f:
		return controlKey
	case b < utf8.RuneSelf:
		return printableKey
	case b < 0xa0:
		d.escape(b - '@') // a control function of one byte, C1
	case b >= 0xc0:
		d.state, d.lead, d.left = character, b, continuations(b)
	}
	return noKey
}

// continued decodes a byte within a character.
func (d *decoder) continued(b byte) int {
	state := d.state
	if !isContinuation(b) {
		d.state = ground
		return d.begin(b) // the character was cut short
	}
	if d.left--; d.left > 0 {
		return noKey
	}
	d.state = ground
	switch {
	case d.lead == 0xc2 && b < 0xa0:
		d.escape(b - '@') // C1 in UTF-8
	case state == character:
		return printableKey
	}
	return noKey
}

func (d *decoder) escape(b byte) {
	d.state = ground
	switch {
	case b == '[':
		d.state, d.params = control, d.params[:0]
	case b == 'O':
		d.state = single
	case b == 'P' || b == 'X' || b == ']' || b == '^' || b == '_':
		d.state, d.left = text, 0
	case b >= 0xc0:
		d.state, d.lead, d.left = altCharacter, b, continuations(b)
	case b >= ' ' && b < '0':
		d.state = intermediate
	}
}

func (d *decoder) takeControl(b byte) {
	switch {
	case b < '@':
		if len(d.params) <= len(pasteBegins) {
			d.params = append(d.params, b)
		}
	case b == 'M' && len(d.params) == 0:
		d.state, d.left = mouse, 3
	case b == '[' && len(d.params) == 0:
		d.state = linuxFunction
	case b == '~' && string(d.params) == pasteBegins:
		d.state, d.ending = paste, 0
	default:
		d.state = ground
	}
}

// takeText decodes a byte of a string. BEL ends it, or ST: ESC \, 0x9c outside of a
// character, or U+009C in UTF-8.
func (d *decoder) takeText(b byte) {
	switch {
	case b == bel:
		d.state = ground
	case b >= 0xc0:
		d.lead, d.left = b, continuations(b)
	case !isContinuation(b):
		d.left = 0
	case b == 0x9c && (d.left == 0 || d.lead == 0xc2):
		d.state = ground
	case d.left > 0:
		d.left--
	}
}

func (d *decoder) takePasted(b byte) {
	if b != pasteEnds[d.ending] {
		d.ending = 0 // the first byte of pasteEnds occurs in it once
	}
	if b == pasteEnds[d.ending] {
		d.ending++
	}
	if d.ending == len(pasteEnds) {
		d.state = ground
	}
}

// continuations returns the number of bytes that follow the first byte of a character in
// UTF-8.
func continuations(lead byte) int {
	switch {
	case lead < 0xe0:
		return 1
	case lead < 0xf0:
		return 2
	}
	return 3
}

func isContinuation(b byte) bool { return b&0xc0 == 0x80 }

// maxWaiting is more than a person types while the receiver is busy.
const maxWaiting = 64

// Keys returns the keys that were pressed. It keeps reading while the keys are not
// received, so that bytes of different times are of different reads.
func Keys(ctx context.Context, typed <-chan []byte) <-chan []byte {
	pressed := make(chan []byte)
	go func() { // ends with typed or ctx
		defer close(pressed)
		var d decoder
		var waiting [][]byte
		for {
			var to chan<- []byte
			var first []byte
			if len(waiting) > 0 {
				to, first = pressed, waiting[0]
			}
			var silent <-chan time.Time
			if pause := d.pause(); pause > 0 {
				silent = time.After(pause)
			}
			select {
			case read, ok := <-typed:
				if !ok {
					return
				}
				if keys := d.keys(read); len(keys) > 0 && len(waiting) < maxWaiting {
					waiting = append(waiting, keys)
				}
			case to <- first:
				waiting = waiting[1:]
			case <-silent:
				d.reset()
			case <-ctx.Done():
				return
			}
		}
	}()
	return pressed
}
