package hook

import "net/http"

// The handler of golang.org/x/net/http2/h2c hijacks connections for HTTP/2 from net/http, which then can't ask their
// clients to leave. Since Go 1.24 net/http serves such clients itself. It does so before the handler sees the
// connection, and passes on their requests, which the handler of h2c serves like others.

var _ = hotstartSetH2C()

func hotstartSetH2C() bool {
	hotstartServeH2C = func(srv *http.Server) {
		var protocols http.Protocols
		if srv.Protocols != nil {
			protocols = *srv.Protocols
		} else {
			protocols.SetHTTP1(true)
			_, has := srv.TLSNextProto["h2"]
			protocols.SetHTTP2(has || srv.TLSNextProto == nil)
		}
		protocols.SetUnencryptedHTTP2(true)
		srv.Protocols = &protocols
	}
	return true
}
