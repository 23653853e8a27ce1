package session

import (
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/machine"
)

// Settings are where the options of a session come from. They may change while
// the session runs. With the zero value the options never change.
type Settings struct {
	Path string                 // absolute path of the settings file; "": there is none
	Name string                 // name of the file in messages
	Read func() (Change, error) // reads the settings again
}

// Change is the difference between the settings that a session uses and those
// of the file.
type Change struct {
	Options   Options
	Applied   []string // names of changed settings that can be applied
	Pending   []string // names of changed settings that apply when hotstart starts again
	AppliesTo uint     // set of AppliesToBuild, …
	Accept    func()   // makes these settings the ones that the next Read compares with
}

// reconfigure reads the settings file, and returns the event for the machine.
// It returns nil if nothing has changed.
func (e *effects) reconfigure() machine.Event {
	read := time.Now()
	change, err := e.settings.Read()
	var p patterns
	if err == nil {
		p, err = newPatterns(change.Options, e.settings.Path)
	}
	var b *builder.Builder
	if err == nil && change.AppliesTo&AppliesToBuild != 0 {
		b, err = builder.New(e.ctx, e.builderOptions(change.Options))
	}
	if err != nil {
		e.invalidSettings = true
		e.patterns.settings = settingsPattern(e.o.Dir, e.settings.Path)
		return machine.SettingsInvalid{Err: err, Read: read}
	}
	if len(change.Applied)+len(change.Pending) == 0 && !e.invalidSettings {
		return nil
	}
	e.invalidSettings = false
	change.Accept()
	e.o, e.patterns = change.Options, p
	e.alerts.Bell, e.alerts.Notify = e.o.Bell, e.o.Notify
	if change.AppliesTo&AppliesToTimes != 0 {
		e.starter.SetTimeouts(e.o.starterOptions("", "", nil))
	}
	if b != nil {
		e.builder.Close()
		e.builder = b
	}
	return machine.Reconfigured{
		Policy: e.policy(), File: e.settings.Name, Applied: change.Applied, Pending: change.Pending,
		NewBuilder: b != nil,
		NewStart:   change.AppliesTo&AppliesToStart != 0,
		NewRules:   change.AppliesTo&AppliesToRules != 0,
		Rules:      p.engine(e.o),
		Read:       read,
	}
}
