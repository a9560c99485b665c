package annotations

import "slices"

var nginxBodyRows = slices.Concat([]Row{
	{
		Name: "proxy-body-size", Type: typeSize + "; 0 for no bound", Default: "0", Example: "8m",
		Doc:     "Longest body of a plain request; longer ones are answered 413. It never was a limit for WebSocket messages.",
		Differs: "The default is 1m there.",
		sets:    []string{"MaxBody"}, parse: func(value string, d *draft) error {
			n, err := size(value)
			if err == nil {
				d.MaxBody = n
			}
			return err
		},
	},
}, needless("Nothing is buffered: sockets and bodies stream.",
	"client-body-buffer-size", "proxy-buffer-size", "proxy-buffering", "proxy-buffers-number",
	"proxy-busy-buffers-size", "proxy-max-temp-file-size", "proxy-request-buffering"))

// needless makes rows that have no effect, and nobody is told: what they tune is not there.
func needless(doc string, names ...string) []Row {
	list := rows(Needless, doc, names...)
	for i := range list {
		list[i].Differs = "It has no effect."
	}
	return list
}
