// SPDX-License-Identifier: Apache-2.0

// gorilla/websocket. Environment: README.md.
package main

import (
	"compress/flate"
	"log"
	"net/http"
	"os"
	"sync"

	"github.com/gorilla/websocket"
)

var compress = os.Getenv("COMPRESS") == "1"

var upgrader = websocket.Upgrader{
	EnableCompression: compress,
	CheckOrigin:       func(*http.Request) bool { return true },
	WriteBufferPool:   &sync.Pool{},
}

func upgrade(response http.ResponseWriter, request *http.Request) *websocket.Conn {
	connection, err := upgrader.Upgrade(response, request, nil)
	if err != nil {
		return nil
	}
	connection.SetReadLimit(16 << 20)
	if compress {
		connection.SetCompressionLevel(flate.BestSpeed)
	}
	return connection
}

func echo(response http.ResponseWriter, request *http.Request) {
	connection := upgrade(response, request)
	if connection == nil {
		return
	}
	defer connection.Close()
	for {
		kind, message, err := connection.ReadMessage()
		if err != nil || connection.WriteMessage(kind, message) != nil {
			return
		}
	}
}

// Each listener has a queue and a goroutine that empties it, as in gorilla's chat example; what
// is published is prepared once for all of them.
var listeners = struct {
	sync.RWMutex
	queues map[chan *websocket.PreparedMessage]struct{}
}{queues: map[chan *websocket.PreparedMessage]struct{}{}}

func deliver(connection *websocket.Conn, queue chan *websocket.PreparedMessage) {
	for message := range queue {
		if connection.WritePreparedMessage(message) != nil {
			connection.Close()
		}
	}
	connection.Close()
}

func publish(kind int, data []byte) {
	message, err := websocket.NewPreparedMessage(kind, data)
	if err != nil {
		return
	}
	listeners.RLock()
	defer listeners.RUnlock()
	for queue := range listeners.queues {
		queue <- message
	}
}

func chat(response http.ResponseWriter, request *http.Request) {
	connection := upgrade(response, request)
	if connection == nil {
		return
	}
	queue := make(chan *websocket.PreparedMessage, 256)
	listeners.Lock()
	listeners.queues[queue] = struct{}{}
	listeners.Unlock()
	go deliver(connection, queue)
	for {
		kind, data, err := connection.ReadMessage()
		if err != nil {
			break
		}
		publish(kind, data)
	}
	listeners.Lock()
	delete(listeners.queues, queue)
	listeners.Unlock()
	close(queue)
}

func main() {
	http.HandleFunc("/echo", echo)
	http.HandleFunc("/chat", chat)
	server := http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), ErrorLog: log.New(os.Stderr, "", 0)}
	if cert := os.Getenv("TLS_CERT"); cert != "" {
		log.Fatal(server.ListenAndServeTLS(cert, os.Getenv("TLS_KEY")))
	}
	log.Fatal(server.ListenAndServe())
}
