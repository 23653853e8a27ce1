package main

import (
	"os"
	"testing"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

const schemaFile = "../../docs/hotstart.schema.json"

func TestSchemaIsThatOfTheFlags(t *testing.T) {
	schema := settings.Schema(freshWatchFlags().all)
	if *update {
		if err := os.WriteFile(schemaFile, []byte(schema), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, schemaFile) != schema {
		t.Errorf("%s is not as the flags are: go test ./cmd/hotstart -run Schema -update", schemaFile)
	}
}
