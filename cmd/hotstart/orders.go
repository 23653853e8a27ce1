package main

import (
	"github.com/spf13/pflag"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

// harmless are the settings that a file of a stranger may have: none of them
// runs anything but the program that hotstart was asked to run. All others
// are orders, those to come, too.
var harmless = map[string]bool{
	"package": true, "args": true, "port": true, "adopt": true, "debug": true, "direct": true,
	"watch": true, "restart": true, "refresh": true, "browser": true, "ignore": true, "poll": true,
	"ready": true, "interval": true, "ready-timeout": true, "stop-timeout": true, "stop-signal": true,
	"postpone": true, "exit": true,
	"log-format": true, "clear": true, "pty": true, "stdin": true, "bell": true, "notify": true, "color": true,
}

// ordersIn lists what a file has hotstart do that needs the user's word, as
// "before: go generate ./...".
func ordersIn(doc *settings.Document) (orders []string, err error) {
	flags := freshWatchFlags()
	from, err := settings.Fill(flags.all, nil, nil, doc)
	if err != nil {
		return nil, err
	}
	flags.all.VisitAll(func(f *pflag.Flag) {
		if from[f.Name].Kind != settings.File || harmless[f.Name] {
			return
		}
		for _, text := range settings.Texts(f) {
			orders = append(orders, f.Name+": "+text)
		}
	})
	return orders, nil
}
