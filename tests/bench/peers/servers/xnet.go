// SPDX-License-Identifier: Apache-2.0

// golang.org/x/net/websocket, which has no compression. Environment: README.md.
package main

import (
	"log"
	"net/http"
	"os"
	"sync"

	"golang.org/x/net/websocket"
)

// A message and its kind, as it came.
type message struct {
	data []byte
	kind byte
}

var codec = websocket.Codec{
	Marshal: func(v interface{}) ([]byte, byte, error) {
		m := v.(message)
		return m.data, m.kind, nil
	},
	Unmarshal: func(data []byte, kind byte, v interface{}) error {
		*v.(*message) = message{data, kind}
		return nil
	},
}

func echo(connection *websocket.Conn) {
	connection.MaxPayloadBytes = 16 << 20
	for {
		var m message
		if codec.Receive(connection, &m) != nil || codec.Send(connection, m) != nil {
			return
		}
	}
}

var listeners = struct {
	sync.RWMutex
	queues map[chan message]struct{}
}{queues: map[chan message]struct{}{}}

func deliver(connection *websocket.Conn, queue chan message) {
	for m := range queue {
		if codec.Send(connection, m) != nil {
			connection.Close()
		}
	}
}

func publish(m message) {
	listeners.RLock()
	defer listeners.RUnlock()
	for queue := range listeners.queues {
		queue <- m
	}
}

func chat(connection *websocket.Conn) {
	connection.MaxPayloadBytes = 16 << 20
	queue := make(chan message, 256)
	listeners.Lock()
	listeners.queues[queue] = struct{}{}
	listeners.Unlock()
	go deliver(connection, queue)
	for {
		var m message
		if codec.Receive(connection, &m) != nil {
			break
		}
		publish(m)
	}
	listeners.Lock()
	delete(listeners.queues, queue)
	listeners.Unlock()
	close(queue)
}

func main() {
	// Without a Handshake of its own nobody is asked for an Origin.
	http.Handle("/echo", websocket.Server{Handler: echo})
	http.Handle("/chat", websocket.Server{Handler: chat})
	address := "127.0.0.1:" + os.Getenv("PORT")
	if cert := os.Getenv("TLS_CERT"); cert != "" {
		log.Fatal(http.ListenAndServeTLS(address, cert, os.Getenv("TLS_KEY"), nil))
	}
	log.Fatal(http.ListenAndServe(address, nil))
}
