package main

import (
	"log"
	"net/http"
	"os"

	"github.com/labstack/echo/v4"
)

func main() {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.POST("/", func(c echo.Context) error { return c.String(http.StatusOK, "hello") })
	log.Fatal(e.Start(os.Args[1]))
}
