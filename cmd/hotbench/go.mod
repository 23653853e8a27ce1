module github.com/hotstart/hotstart/cmd/hotbench

go 1.25.0
