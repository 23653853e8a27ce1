package main

import (
	"log"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.POST("/", func(c *gin.Context) { c.String(http.StatusOK, "hello") })
	log.Fatal(r.Run(os.Args[1]))
}
