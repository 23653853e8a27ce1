// A server of fiber whose child processes accept, each on its own socket.
package main

import (
	"log"
	"os"

	"github.com/gofiber/fiber/v2"
)

func main() {
	app := fiber.New(fiber.Config{Prefork: true, DisableStartupMessage: true})
	app.Post("/", func(c *fiber.Ctx) error {
		return c.Send(append([]byte("TEXT "), c.Body()...))
	})
	log.Fatal(app.Listen(os.Getenv("ADDRESS")))
}
