package machine

import (
	"slices"
	"strings"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/starter"
)

func (m *Machine) handleKey(key byte) {
	switch key {
	case 'r':
		m.tell(report.Note{Text: "restarting"})
		if m.rules.Busy() {
			m.build.pending.Restart = true // when the rules have run
			return
		}
		m.restart()
	case 'b':
		m.reload("building and reloading")
	case 'q':
		m.requestStop(report.Stopping{Signal: interrupted, Key: true})
	default:
		m.handleScreenKey(key)
	}
}

// handleScreenKey handles the keys that do nothing to the program.
func (m *Machine) handleScreenKey(key byte) {
	switch key {
	case 'o':
		m.openBrowser()
	case 'c':
		m.do(ClearScreen{})
	case 'h', '?':
		m.tell(report.Keys{Keys: report.Shortcuts})
	case '\n', '\r':
		m.do(NewLine{}) // some users separate what they have read from what comes
	}
}

// openBrowser opens the first address that a browser can show.
func (m *Machine) openBrowser() {
	known := m.rollout.listens
	if len(known) == 0 {
		known = m.rollout.addresses
	}
	i := slices.IndexFunc(known, func(a starter.Address) bool { return strings.HasPrefix(report.URL(a), "http") })
	if i < 0 {
		m.tell(report.Note{Text: "nothing to open: no HTTP address of the program is known"})
		return
	}
	url := report.URL(known[i])
	m.tell(report.Note{Text: "opening " + url})
	m.do(OpenBrowser{url})
}
