// Package checkpoint reads and writes models as folders in Hugging Face's
// layout: config.json, safetensors, tokenizer and template files. It describes
// the architectures that backends build (Architecture), reads weights by mmap
// (Open), writes them one tensor at a time (NewWriter), imports GGUF files
// (ImportGGUF) and finds models by name (Resolve).
package checkpoint
