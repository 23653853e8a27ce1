package delta

// tested are the Go releases that deltas were tested with, by the hash of the
// sources that they rely on. A release between two of these has the sources of the first one.
var tested = map[string]string{
	"38628b43c673d6601cafdcd103051909": "go1.26.0",
	"38a9e7d32ad393bb9b35f31c0fae8e5d": "go1.26.3",
	"5bc189e7233d8ede82baa019aed09827": "go1.26.8",
	"595a1e25c6ef559af7ea2dae8b3cbae6": "go1.26.9",
	"cd78fe76acac5112d5c300e816f343c5": "go1.26.11",
	"efda249835e3fbee80228c681cd96c5b": "go1.27.0",
	"241aef57f8a8b7483ebb8262625c5cbd": "go1.27.3",
	"bc3a53b173084ed8d395d656b62d2022": "go1.27.4",
}
