// Package template reads texts with variables, as nginx writes them: "$remote_addr" or
// "https://$host/login?rd=$escaped_request_uri". What a variable stands for is the caller's to say.
package template
