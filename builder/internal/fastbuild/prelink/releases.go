package prelink

// tested are the Go releases that the overlay was tested with, by the hash of the sources that
// it relies on (source.ReliedOn).
var tested = map[string]string{
	"6402271e3fefd9c19dae24809430099b": "go1.24.0",
	"ac8f9684e32ffaf89f018420c9d1522f": "go1.24.13",
	"d674002a430ad257645b3efc6e4e63e5": "go1.25.0",
	"83c4196b844d43967de79c290d70c417": "go1.25.14",
	"ddd4c0afe062e11910cef6550d267580": "go1.26.0",
	"a5c40f39902375a939cbd652ec6dc12f": "go1.26.8",
	"133610c9fefe26b19a42308a5e058356": "go1.26.10",
	"100a8307d6238c74e39f1384ee15d7fa": "go1.26.11",
	"02fd87bb7c12418e27ab1907020bf87e": "go1.27.0",
	"fc8ee260da3fe5e38d4672ab12524aef": "go1.27.3",
	"5933646c1b923592473527149cae1724": "go1.27.4",
}
