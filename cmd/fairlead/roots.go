package main

// Where the machine has no certificates of public authorities, as in the image, those of Mozilla's list
// count, which Go's maintainers keep. They are needed to verify endpoints and authentication services,
// and by fairlead probe wss://.
import _ "golang.org/x/crypto/x509roots/fallback"
