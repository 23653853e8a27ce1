//go:build e2e && linux

package e2e

// thirdParties lists the programs, the latest additions first.
func thirdParties() []thirdParty {
	const petstore = "github.com/deepmap/oapi-codegen@v1.12.4"
	pets := []string{"-port=PORT"}
	address := []string{"ADDRESS=127.0.0.1:PORT"}
	echo := func(p places) []client { return echoClients(nil, "http://127.0.0.1:"+p.port) }
	return []thirdParty{
		{name: "hertz", loses: "netpoll accepts without package net", module: "github.com/cloudwego/hertz@v0.10.4", program: "hertz", serves: "netpoll", env: address, clients: echo},
		{name: "gnet", loses: "gnet accepts without package net", module: "github.com/panjf2000/gnet/v2@v2.9.7", program: "gnet", serves: "its own system calls", env: address,
			clients: func(p places) []client { return []client{exchangeClient(p.port, "", "PING\r\n", "PONG\r\n")} }},
		{name: "prefork", loses: "the child processes drain only after their parent has asked them to", module: "github.com/gofiber/fiber/v2@v2.52.15", program: "prefork", serves: "fiber, its children", env: address, clients: echo},
		{name: "h2c", module: "golang.org/x/net@v0.62.0", program: "h2c", serves: "HTTP/2 by h2c", env: address,
			clients: func(p places) []client { return h2cClients("http://127.0.0.1:" + p.port) }},
		{name: "bbolt", module: "go.etcd.io/bbolt@v1.5.0", program: "bbolt", serves: "net/http, a locked file", env: address, clients: echo},
		{name: "badger", module: "github.com/dgraph-io/badger/v4@v4.9.6", program: "badger", serves: "net/http, a locked folder", env: address, clients: echo},
		{name: "redcon", module: "github.com/tidwall/redcon@v1.6.4", program: "redcon", serves: "raw TCP", env: address,
			clients: func(p places) []client { return []client{exchangeClient(p.port, "", "PING\r\n", "+PONG\r\n")} }},
		{name: "dns", module: "github.com/miekg/dns@v1.1.73", program: "dns", serves: "DNS over TCP", env: address,
			clients: func(p places) []client { return []client{dnsClient(p.port)} }},
		{name: "reuseport", loses: "the connections in the queue of its socket are lost when it closes", module: "github.com/valyala/fasthttp@v1.78.0", program: "reuseport", serves: "fasthttp, a socket past package net", env: address, clients: echo},
		{name: "ssh", module: "github.com/gliderlabs/ssh@v0.3.8", program: "ssh", serves: "SSH, its greeting", env: address,
			clients: func(p places) []client { return []client{exchangeClient(p.port, "SSH-2.0-Go", "", "")} }},
		{name: "etcd", module: "go.etcd.io/etcd/server/v3@v3.7.3", program: "etcd", serves: "cmux of grpc and net/http, a locked file",
			args: []string{"--data-dir=DIR/data", "--log-level=error", "--listen-client-urls=http://127.0.0.1:PORT", "--advertise-client-urls=http://127.0.0.1:PORT",
				"--listen-peer-urls=http://127.0.0.1:OTHER", "--initial-advertise-peer-urls=http://127.0.0.1:OTHER", "--initial-cluster=default=http://127.0.0.1:OTHER"},
			clients: page("/version")},
		{name: "alertmanager", module: "github.com/prometheus/alertmanager@v0.35.0", main: "./cmd/alertmanager", serves: "exporter-toolkit, a gossip port first",
			args: []string{"--config.file=DIR/a.yml", "--storage.path=DIR/data", "--web.listen-address=127.0.0.1:PORT",
				"--cluster.listen-address=127.0.0.1:OTHER", "--log.level=error"},
			files:    map[string]string{"a.yml": "route:\n  receiver: none\nreceivers:\n- name: none\n"},
			embedded: map[string]string{"ui/app/dist/index.html": "hello\n"}, clients: page("/-/healthy")},
		{name: "prometheus", module: "github.com/prometheus/prometheus@v0.316.0", main: "./cmd/prometheus", serves: "net/http, a locked folder",
			args:  []string{"--config.file=DIR/p.yml", "--storage.tsdb.path=DIR/data", "--web.listen-address=127.0.0.1:PORT", "--log.level=error"},
			files: map[string]string{"p.yml": "global: {}\n"}, clients: page("/-/healthy")},
		{name: "inbucket", module: "github.com/inbucket/inbucket/v3@v3.2.0", main: "./cmd/inbucket", serves: "SMTP, and net/http",
			env: []string{"INBUCKET_SMTP_ADDR=127.0.0.1:PORT", "INBUCKET_WEB_ADDR=127.0.0.1:OTHER", "INBUCKET_POP3_ADDR=127.0.0.1:0", "INBUCKET_LOGLEVEL=error"},
			clients: func(p places) []client {
				return []client{exchangeClient(p.port, "220 ", "QUIT\r\n", "221 ")}
			}},
		{name: "mailpit", module: "github.com/axllent/mailpit@v1.33.1", main: ".", serves: "net/http, and SMTP, a database in a file",
			args: []string{"--listen=127.0.0.1:PORT", "--smtp=127.0.0.1:OTHER", "--database=DIR/mail.db", "--quiet"}, clients: page("/livez")},
		{name: "registry", module: "github.com/distribution/distribution/v3@v3.1.2", main: "./cmd/registry", serves: "gorilla/mux",
			args: []string{"serve", "DIR/config.yml"},
			files: map[string]string{"config.yml": "version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\n" +
				"storage:\n  filesystem:\n    rootdirectory: DIR/data\nhttp:\n  addr: 127.0.0.1:PORT\n"}, clients: page("/v2/")},
		{name: "oauth2-proxy", module: "github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.6", main: ".", serves: "net/http, its own Shutdown",
			args: []string{"--http-address=127.0.0.1:PORT", "--upstream=static://200", "--provider=github", "--client-id=a", "--client-secret=b",
				"--cookie-secret=0123456789abcdef", "--email-domain=*", "--request-logging=false"}, clients: page("/ping")},
		{name: "rclone", module: "github.com/rclone/rclone@v1.76.0", main: ".", serves: "net/http, its own Shutdown",
			args: []string{"serve", "http", "DIR", "--addr=127.0.0.1:PORT"}, files: map[string]string{"a.txt": "hello\n"}, clients: page("/a.txt")},
		{name: "fake-gcs-server", module: "github.com/fsouza/fake-gcs-server@v1.56.1", main: ".", serves: "net/http, its own Shutdown",
			args: []string{"-scheme=http", "-host=127.0.0.1", "-port=PORT", "-backend=memory", "-log-level=error"}, clients: page("/storage/v1/b?project=a")},
		{name: "smtp-debug-server", module: "github.com/emersion/go-smtp@v0.25.1", main: "./cmd/smtp-debug-server", serves: "SMTP",
			args: []string{"-l=127.0.0.1:PORT"}, clients: func(p places) []client { return []client{exchangeClient(p.port, "220 ", "NOOP\r\n", "250 ")} }},
		{name: "petstore-gin", module: petstore, main: "./examples/petstore-expanded/gin", serves: "gin", args: pets, clients: page("/pets")},
		{name: "petstore-echo", module: petstore, main: "./examples/petstore-expanded/echo", serves: "echo", args: pets, clients: page("/pets")},
		{name: "petstore-chi", module: petstore, main: "./examples/petstore-expanded/chi", serves: "chi", args: pets, clients: page("/pets")},
		{name: "fileserver", module: "github.com/valyala/fasthttp@v1.78.0", main: "./examples/fileserver", serves: "fasthttp",
			args: []string{"-addr=127.0.0.1:PORT", "-dir=DIR"}, files: map[string]string{"a.txt": "hello\n"}, clients: page("/a.txt")},
		{name: "testserver", module: "github.com/fullstorydev/grpcurl@v1.9.4", main: "./internal/testing/cmd/testserver", serves: "grpc",
			args: []string{"-p=PORT", "-q"}, clients: func(p places) []client { return grpcClients(p.port, "/testing.TestService/EmptyCall") }},
		{name: "go-httpbin", module: "github.com/mccutchen/go-httpbin/v2@v2.26.0", main: "./cmd/go-httpbin", serves: "net/http, its own Shutdown",
			args: []string{"-host=127.0.0.1", "-port=PORT"}, clients: page("/get")},
		{name: "podinfo", module: "github.com/stefanprodan/podinfo@v1.8.1-0.20250910200901-e86405a8674e", main: "./cmd/podinfo", serves: "gorilla/mux, its own Shutdown",
			args: []string{"--host=127.0.0.1", "--port=PORT", "--level=error"}, clients: page("/version")},
		{name: "node_exporter", module: "github.com/prometheus/node_exporter@v1.12.1", main: ".", serves: "exporter-toolkit",
			args: []string{"--web.listen-address=127.0.0.1:PORT", "--collector.disable-defaults", "--log.level=error"}, clients: page("/")},
		{name: "tusd", module: "github.com/tus/tusd/v2@v2.9.1", main: "./cmd/tusd", serves: "net/http and Prometheus",
			args: []string{"-host=127.0.0.1", "-port=PORT", "-upload-dir=DIR"}, clients: page("/")},
		{name: "caddy", module: "github.com/caddyserver/caddy/v2@v2.11.9", main: "./cmd/caddy", serves: "its own listeners",
			args: []string{"respond", "--listen=127.0.0.1:PORT", "--body=hello"}, clients: page("/")},
		{name: "hugo server", module: "github.com/gohugoio/hugo@v0.164.0", main: ".", serves: "net/http, errgroup",
			args:  []string{"server", "--source=DIR", "--bind=127.0.0.1", "--port=PORT", "--watch=false", "--disableLiveReload"},
			files: map[string]string{"hugo.toml": "title = 'a'\n", "layouts/home.html": "hello\n"}, clients: page("/")},
		{name: "echo", module: "github.com/gorilla/websocket@v1.5.0", main: "./examples/echo/server.go", serves: "websocket",
			args: []string{"-addr=127.0.0.1:PORT"}, clients: func(p places) []client { return []client{webSocketClient(p.port, "/echo")} }},
		{name: "nats-server", loses: "its health page has status 500 until it accepts clients", module: "github.com/nats-io/nats-server/v2@v2.15.2", main: ".", serves: "raw TCP, and net/http",
			args: []string{"-a=127.0.0.1", "-p=PORT", "-m=OTHER"}, clients: func(p places) []client {
				return append(pageClients("http://127.0.0.1:"+p.other+"/"), exchangeClient(p.port, "INFO ", "PING\r\n", "PONG\r\n"))
			}},
		{name: "mochi-mqtt", module: "github.com/mochi-mqtt/server/v2@v2.7.9", main: "./cmd", serves: "raw TCP",
			args: []string{"-tcp=127.0.0.1:PORT", "-ws=127.0.0.1:0", "-info=127.0.0.1:OTHER"}, clients: func(p places) []client {
				const connect, accepted = "\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", "\x20\x02\x00\x00" // MQTT 3.1.1, 3.1 and 3.2
				return []client{exchangeClient(p.port, "", connect, accepted)}
			}},
		{name: "coredns", module: "github.com/coredns/coredns@v1.15.0", main: ".", serves: "miekg/dns, over TCP",
			args: []string{"-conf=DIR/Corefile", "-dns.port=PORT"}, files: map[string]string{"Corefile": ".:PORT {\n\twhoami\n}\n"},
			clients: func(p places) []client { return []client{dnsClient(p.port)} }},
	}
}
