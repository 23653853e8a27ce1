package main

import (
	"os"
	"testing"
)

const schemaFile = "../../docs/hotstart.schema.json"

func TestSchemaIsThatOfTheFlags(t *testing.T) {
	schema := newWatchFlags(nil).set.Schema()
	if *update {
		if err := os.WriteFile(schemaFile, []byte(schema), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, schemaFile) != schema {
		t.Errorf("%s is not as the flags are: go test ./cmd/hotstart -run Schema -update", schemaFile)
	}
}
