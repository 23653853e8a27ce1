package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/control/supervisor"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

// openControl opens the control socket, and answers its clients until the returned
// function is called. A socket that was not asked for is not necessary: another hotstart
// may run in the same folder.
func (d *superdaemon) openControl(o *runOptions, keepsOld bool) (end func(), err error) {
	none := func() {}
	if o.controlPath == control.Off {
		return none, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return none, nil // the folder was removed
	}
	place := control.Place{Path: o.controlPath, Name: o.name, Dir: dir}
	if place.Path != "" && !filepath.IsAbs(place.Path) {
		place.Path = filepath.Join(dir, place.Path)
	}
	l, err := control.Listen(place)
	if err != nil {
		if place.Path != "" || place.Name != "" {
			return none, err
		}
		d.log.Handle(report.Notef("%v; hotstart status does not show this one (--name=NAME would)", err))
		return none, nil
	}
	instance := control.Instance{PID: os.Getpid(), Mode: control.Run, Version: version(), Dir: dir, Name: o.name, Began: time.Now()}
	d.supervisor = supervisor.New(instance, d.starter, keepsOld, o.output())
	server := control.NewServer(d.supervisor, d.metrics)
	server.Serve(l)
	return func() { server.Close() }, nil
}

// parseName checks a value of --name.
func parseName(name string) (string, error) {
	if !control.IsName(name) {
		return "", settings.Want("1 to 32 letters, digits, dots, dashes and underscores, and a letter or a digit first")
	}
	return name, nil
}
