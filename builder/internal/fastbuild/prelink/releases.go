package prelink

// tested are the Go releases that the overlay was tested with, by the hash of the sources that
// it relies on (reliedOn).
var tested = map[string]string{
	"614cdc2a7eec966fb56a18e58064e389": "go1.24.0",
	"8032559d6e510950d045d3dfc2273e9e": "go1.24.13",
	"082261a45fc11523d1d083d147a838b9": "go1.25.0",
	"5c261893dc004e0e7946f33dc63174e7": "go1.25.14",
	"d9a62ba0d3c63623007c5623644baf8b": "go1.26.0",
	"aeb7ad8b154caae99e22acae12ed4227": "go1.26.8",
	"c5fe5de02600b078b69ebd61f2d8313f": "go1.26.10",
	"c3eef536c1c0a6fb73f4ebcccf0b88ed": "go1.26.11",
	"52a1663e773ecf88df4c6dd8ec8bc5c2": "go1.27.0",
	"c40681a031b27273599e391f197e24c2": "go1.27.3",
	"3055dbb81886cadb1911df8af4763737": "go1.27.4",
}
