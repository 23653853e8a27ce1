package report

import (
	"net"
	"strconv"
	"strings"

	"github.com/hotstart/hotstart/starter"
)

// URL is what a browser needs to open an address, unless the worker has said that
// it serves something other than HTTP there: then it is host and port, or the path
// of a unix socket.
func URL(a starter.Address) string {
	host, scheme := a.Host, "http://"
	switch {
	case !strings.HasPrefix(a.Network, "tcp"):
		return a.String()
	case isEveryHost(host):
		host = "localhost"
	}
	switch a.Scheme {
	case "https":
		scheme = "https://"
	case "tcp":
		scheme = ""
	}
	return scheme + net.JoinHostPort(host, strconv.Itoa(a.Port))
}

// isEveryHost reports whether a socket of the host accepts at every address of this machine.
func isEveryHost(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }

// place is the URL of an address, or host and port if the program does not seem
// to serve HTTP.
func (v View) place(a starter.Address) string {
	if a.Scheme == "" && v.HTTP != nil && !v.HTTP() {
		a.Scheme = "tcp"
	}
	return URL(a)
}

func (v View) places(addresses []starter.Address) (all []string) {
	for _, a := range addresses {
		all = append(all, v.place(a))
	}
	return all
}

// list names every address as a person types it.
func (v View) list(addresses []starter.Address) string {
	return strings.Join(v.places(addresses), ", ")
}

// onLAN adds the URLs for other machines to a list of addresses.
func (v View) onLAN(addresses []starter.Address) string {
	var all []string
	for _, a := range addresses {
		if strings.HasPrefix(a.Network, "tcp") && isEveryHost(a.Host) && v.LAN != "" {
			a.Host = v.LAN
			all = append(all, v.place(a))
		}
	}
	if len(all) == 0 {
		return ""
	}
	return " (on the network: " + strings.Join(all, ", ") + ")"
}
