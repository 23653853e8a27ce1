package term

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

func TestKeysOfReads(t *testing.T) {
	for _, test := range []struct {
		name  string
		reads []string
		want  string
	}{
		{"a key", []string{"r"}, "r"},
		{"keys one by one", []string{"r", "b"}, "rb"},
		{"Enter and other control characters", []string{"\r\n\t"}, "\r\n\t"},
		{"one key several times", []string{"qq"}, "qq"},
		{"an arrow", []string{"\x1b[A"}, ""},
		{"an arrow and a key", []string{"\x1b[Ar"}, "r"},
		{"an arrow in application mode", []string{"\x1bOA", "r"}, "r"},
		{"a function key with modifiers", []string{"\x1b[15;5~", "\x1bO5P", "\x1bO1;5P", "r"}, "r"},
		{"F1 of the Linux console", []string{"\x1b[[A", "r"}, "r"},
		{"shift and a key of rxvt", []string{"\x1b[7$\x1b[A", "r"}, "r"},
		{"Alt and a key", []string{"\x1br"}, ""},
		{"Alt and a character in UTF-8", []string{"\x1bé", "r"}, "r"},
		{"Alt and an arrow", []string{"\x1b\x1b[A", "r"}, "r"},
		{"Alt and Enter", []string{"\x1b\r", "r"}, "r"},
		{"ESC twice and a sequence", []string{"\x1b\x1b]11;rgb:00/00/00\a", "r"}, "r"},
		{"designation of a character set", []string{"\x1b(B", "r"}, "r"},
		{"background colour, ended by ST", []string{"\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\"}, ""},
		{"background colour, ended by BEL", []string{"\x1b]11;rgb:1e1e/1e1e/1e1e\a"}, ""},
		{"background colour and a key", []string{"\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\r"}, "r"},
		{"background colour in two reads", []string{"\x1b]11;rg", "b:1e1e/1e1e/1e1e\x1b\\"}, ""},
		{"split before the end of ST", []string{"\x1b]11;rgb:1e1e/1e1e/1e1e\x1b", "\\", "r"}, "r"},
		{"device attributes", []string{"\x1b[?62;c\x1b[>1;10;0c\x1b[=1c"}, ""},
		{"version of the terminal", []string{"\x1bP>|XTerm(390) quick\x1b\\"}, ""},
		{"capabilities", []string{"\x1bP1+r636f6c=313030\x1b\\", "h"}, "h"},
		{"cursor position", []string{"\x1b[24;80R"}, ""},
		{"private mode", []string{"\x1b[?2026;2$y", "b"}, "b"},
		{"keyboard protocol of kitty", []string{"\x1b[?1u\x1b[114u\x1b[114;1:3u"}, ""},
		{"graphics, by APC", []string{"\x1b_Gi=31;OK\x1b\\", "h"}, "h"},
		{"PM and SOS", []string{"\x1b^quick\x1b\\\x1bXbrown\x1b\\", "h"}, "h"},
		{"focus", []string{"\x1b[I\x1b[O"}, ""},
		{"a string cut short by a sequence", []string{"\x1b]0;quick\x1b[A", "r"}, "r"},
		{"CAN ends a sequence", []string{"\x1b]0;quick\x18", "r", "\x1b[\x18r"}, "rr"},
		{"a control character within a sequence", []string{"\x1b[1\r;5A", "r"}, "r"},
		{"mouse of X10", []string{"\x1b[M rb", "r"}, "r"},
		{"mouse of X10 in pieces", []string{"\x1b[M", "r", "b", "q", "r"}, "r"},
		{"mouse of X10 far right", []string{"\x1b[M \xf0q", "r"}, "r"},
		{"mouse in UTF-8", []string{"\x1b[M \u00c5\u00c6", "r"}, "r"},
		{"mouse in UTF-8, last split", []string{"\x1b[M  \xc3", "\x86", "r"}, "r"},
		{"mouse far down", []string{"\x1b[M  \xc3", "r"}, "r"},
		{"mouse of SGR and urxvt", []string{"\x1b[<0;10;20M\x1b[<0;10;20m\x1b[32;10;20M", "b"}, "b"},
		{"C1 in one byte", []string{"\x9b?62;c\x9d11;rgb:0/0/0\x9c\x8fA\x90>|q\x9c", "r"}, "r"},
		{"C1 in UTF-8", []string{"\u009b?62;c\u009d11;rgb:0/0/0\u009c\u008fA\u0090>|q\u009c", "r"}, "r"},
		{"a title with bytes of C1 in its characters", []string{"\x1b]lüœr✜b\x1b\\", "r"}, "r"},
		{"a character in UTF-8", []string{"é", "日", "😀", "r"}, "r"},
		{"a character in two reads", []string{"\xe6\x97", "\xa5", "r"}, "r"},
		{"a character that is cut short", []string{"\xe6r"}, "r"},
		{"a character and a key", []string{"ér"}, ""},
		{"pasted", []string{"\x1b[200~DROP TABLE b; -- q\n\x1b[201~"}, ""},
		{"pasted, with sequences", []string{"\x1b[200~\x1b[A\x1b]11;\x1b[20", "r\x1b\x1b[201~", "r"}, "r"},
		{"pasted key by key", []string{"\x1b[200~", "q", "q", "\x1b[20", "1~", "h"}, "h"},
		{"pasted without brackets", []string{"select cob from q;\n"}, ""},
		{"pasted without brackets, line by line", []string{"a\nq\nb\n"}, ""},
		{"keys with sequences between, in one read", []string{"r\x1b[Ab\x1b]11;q\aq"}, "rbq"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var d decoder
			var got []byte
			for _, read := range test.reads {
				got = append(got, d.keys([]byte(read))...)
			}
			if string(got) != test.want {
				t.Errorf("keys %q, want %q", got, test.want)
			}
		})
	}
}

// An incomplete sequence is dropped after a pause.
func TestKeysAfterSilence(t *testing.T) {
	for _, begun := range []string{
		"\x1b", "\x1b[", "\x1b[1;", "\x1b[[", "\x1bO", "\x1b(", "\x1b]11;", "\x1bP", "\x1b_x\x1b", "\x9d", "\xe6", "\x1b\xe6",
		"\x1b[M", "\x1b[M  ", "\x1b[200~", "\x1b[200~x\x1b[20",
	} {
		synctest.Test(t, func(t *testing.T) {
			typed := make(chan []byte)
			ended, end := context.WithCancel(context.Background())
			defer end()
			pressed := Keys(ended, typed)
			typed <- []byte(begun)
			time.Sleep(sequencePause + time.Millisecond)
			typed <- []byte("r")
			if keys := <-pressed; string(keys) != "r" {
				t.Errorf("after %q: %q", begun, keys)
			}
		})
	}
}

// ESC alone is a key: after a short pause, the next key is not Alt with that key.
func TestKeyAfterEscape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		typed := make(chan []byte)
		ended, end := context.WithCancel(context.Background())
		defer end()
		pressed := Keys(ended, typed)
		typed <- []byte("\x1b")
		time.Sleep(escapePause + time.Millisecond)
		typed <- []byte("h")
		if keys := <-pressed; string(keys) != "h" {
			t.Errorf("%q", keys)
		}
	})
}

// Keys wait for a busy receiver, one by one.
func TestKeysWaitForTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		typed := make(chan []byte)
		pressed := Keys(t.Context(), typed)
		for _, key := range "rbq" {
			typed <- []byte{byte(key)}
		}
		var got string
		for range 3 {
			got += string(<-pressed)
		}
		if got != "rbq" {
			t.Errorf("%q", got)
		}
		close(typed)
		if _, ok := <-pressed; ok {
			t.Error("keys after the end")
		}
	})
}

// FuzzKeys decodes arbitrary bytes, and then a mix of keys and of sequences, whose bytes
// are not keys, split anywhere.
func FuzzKeys(f *testing.F) {
	f.Add([]byte{1, 2, 3, 'r', 'b', 4, 5, 6, 7, 8, 9, 10}, uint8(3))
	f.Add([]byte("\x1b[200~x\x9d0;\xe6"), uint8(1))
	f.Fuzz(func(t *testing.T, script []byte, size uint8) {
		readAnything(t, script)
		var sent, want []byte
		next := func() byte {
			if len(script) == 0 {
				return 0
			}
			b := script[0]
			script = script[1:]
			return b
		}
		// body returns bytes of a sequence that do not end it.
		body := func(from, to byte) (all []byte) {
			for range next() % 20 {
				all = append(all, from+byte(int(next())%(int(to-from)+1)))
			}
			return all
		}
		key := byte("rbocqh"[next()%6]) // always the same key: different keys in one read are pasted text
		for len(script) > 0 {
			switch next() % 9 {
			case 0:
				sent, want = append(sent, key), append(want, key)
			case 1: // CSI, with its final byte
				params := body(' ', '?')
				final := '@' + next()%('~'-'@'+1)
				if len(params) == 0 && (final == 'M' || final == '[') || string(params) == pasteBegins {
					final = 'A'
				}
				sent = append(append(append(sent, "\x1b["...), params...), final)
			case 2: // a string
				sent = append(sent, esc, "P]X^_"[next()%5])
				sent = append(append(sent, body(' ', '~')...), "\x1b\\"...)
			case 3: // the same, ended by BEL
				sent = append(append(append(sent, "\x1b]"...), body(' ', '~')...), bel)
			case 4:
				sent = append(sent, "\x1bO"...)
				sent = append(sent, 'A'+next()%26)
			case 5: // mouse of X10
				sent = append(sent, "\x1b[M"...)
				for range 3 {
					sent = append(sent, ' '+next()%96)
				}
			case 6:
				sent = append(append(sent, "\x1b[200~"...), bytes.ReplaceAll(body(0, 0xff), []byte{esc}, nil)...)
				sent = append(sent, pasteEnds...)
			case 7: // C1 in one byte
				sent = append(append(append(sent, 0x9d), body(' ', '~')...), 0x9c)
			case 8: // Alt and a key
				sent = append(sent, esc, key)
			}
		}
		var d decoder
		var got []byte
		for len(sent) > 0 {
			n := min(int(size)%50+1, len(sent))
			got = append(got, d.keys(sent[:n])...)
			sent = sent[n:]
		}
		if string(got) != string(want) {
			t.Errorf("keys %q, want %q", got, want)
		}
	})
}

// readAnything checks that decoded keys can be keys, and that a key after a pause is
// decoded as one.
func readAnything(t *testing.T, sent []byte) {
	var d decoder
	for _, key := range d.keys(sent) {
		if key >= utf8.RuneSelf || key == esc {
			t.Errorf("%q is taken for a key", key)
		}
	}
	if len(d.params) > len(pasteBegins)+1 {
		t.Errorf("%d bytes are kept", len(d.params))
	}
	if d.pause() > 0 {
		d.reset()
	}
	if got := d.keys([]byte("r")); string(got) != "r" {
		t.Errorf("after %q and a silence: %q", sent, got)
	}
}
