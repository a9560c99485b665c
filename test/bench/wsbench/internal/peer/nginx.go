//go:build linux

package peer

import "fmt"

// nginxConfig is tuned: one worker for the one core, no logs, and buffers that suit large frames.
// Blanks: proxy buffers, connections, backends, plain address, secure address, certificate, key.
const nginxConfig = `daemon off;
worker_processes 1;
worker_rlimit_nofile %[2]d;
pid nginx.pid;
error_log stderr crit;
events {
  use epoll;
  worker_connections %[2]d;
  multi_accept on;
  accept_mutex off;
}
http {
  access_log off;
  server_tokens off;
  tcp_nodelay on;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  ssl_protocols TLSv1.3;
  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
  ssl_ecdh_curve X25519;
  ssl_session_tickets off;
  ssl_session_cache off;
  upstream backend {
%[3]s  }
  server {
    listen %[4]s backlog=16384 deferred;
    listen %[5]s ssl backlog=16384 deferred;
    ssl_certificate %[6]s;
    ssl_certificate_key %[7]s;
    location / {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_set_header Host $host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_read_timeout 3600s;
      proxy_send_timeout 3600s;
      %[1]s
    }
  }
}
`

// nginx is nginx of the distribution.
func nginx() (*Peer, error) {
	return newNginx("nginx", "proxy_buffer_size 32k; proxy_buffers 8 32k; proxy_busy_buffers_size 64k;")
}

// nginxIngress is nginx with the buffers that ingress-nginx gives it unless told otherwise.
func nginxIngress() (*Peer, error) {
	p, err := newNginx("nginx-ingress", "proxy_buffer_size 4k; proxy_buffers 4 4k;")
	if p != nil {
		p.modes = []string{"idle", "stream"} // where buffers matter
	}
	return p, err
}

func newNginx(name, buffers string) (*Peer, error) {
	binary, err := installed("nginx", "nginx-light")
	if err != nil {
		return nil, err
	}
	return &Peer{Name: name, Binary: binary, Version: versionOf(binary, "-v"), configure: func(s Site) ([]string, error) {
		path, err := s.write("nginx.conf", fmt.Sprintf(nginxConfig, buffers, s.Descriptors, s.backends("    server %s;\n"),
			s.HTTP, s.HTTPS, s.Certificate.ChainFile, s.Certificate.KeyFile))
		return []string{"-e", "stderr", "-p", s.Folder, "-c", path}, err
	}}, nil
}
