// Package nginxsyntax reads nginx configurations into trees of directives. It knows how they are written,
// and not what they mean.
//
// It follows the tokenizer of nginx itself (ngx_conf_read_token): words and quoted strings, the
// backslash in both, ${variable}, comments, and blocks of Lua code, which are kept as they are.
// Every directive knows the file and line where it begins, because whoever is told of it must find it.
//
// The parser of github.com/tufanbarisyildirim/gonginx was tried first and is the other opinion in the
// tests; it could not be used to read, because it
//
//   - gives the line on which a directive ends, for a block that of its closing brace, and no file;
//   - ends at a brace too many, and drops what follows without a word;
//   - ends at a NUL byte, likewise;
//   - leaves quotes and backslashes in values, ends a word at an escaped space, and takes ` for a quote;
//   - takes an include that is missing, or that includes itself, for an empty one;
//   - puts the servers of an upstream block, and what stands behind each, into another order;
//   - calls itself for every open brace, so that a file of braces ends the process.
package nginxsyntax
