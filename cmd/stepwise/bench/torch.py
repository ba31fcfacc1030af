"""The PyTorch side of `stepwise bench`, which runs it and talks to it by lines of JSON.

The first line of standard input is the setup: model (a folder), dtype ("float32" or
"bf16"), device ("auto", "cpu", "cuda:0", ...), threads, beta and items (Prompt and two
Completions, as ids; all of one length). Every line after it is a request: "load" or
"load beside", which also do each work before it is timed, or the name of a work,
which is timed. Each has one answer on standard output.

"load" makes activations anew where the memory does not hold them; "load beside", for
while the other side has the device too, fails there instead.
"""
import gc
import json
import os
import signal
import sys
import time

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for stepwise, which ends this process
os.environ["HF_HUB_OFFLINE"] = "1"  # the model is in a folder
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what libraries print is no answer


def answer(**values):
    print(json.dumps(values), file=answers, flush=True)


try:
    import torch
    import torch.nn.functional as F
    import transformers
    from transformers.utils import is_flash_attn_2_available
except ImportError as e:
    answer(error=str(e), missing=True)
    sys.exit()


class Step:
    """A model with the pairs that it is timed on."""

    def __init__(self, model, dtype, device, threads, beta, items):
        torch.set_num_threads(threads)
        if device == "auto":
            device = "cuda:0" if torch.cuda.is_available() else "cpu"
        self.path, self.beta, self.device = model, beta, torch.device(device)
        self.dtype = torch.bfloat16 if dtype == "bf16" else torch.float32
        self.gpu = self.device.type == "cuda"
        # flash attention computes in 16 bits only
        flash = self.gpu and self.dtype == torch.bfloat16 and is_flash_attn_2_available()
        self.attention = "flash_attention_2" if flash else "sdpa"
        self.scored = len(items[0]["Completions"][0])
        rows = [item["Prompt"] + item["Completions"][side] for side in (0, 1) for item in items]  # chosen first, as TRL has them
        self.ids = torch.tensor(rows, device=self.device)
        self.model = self.optimizer = self.reference = None
        self.checkpointing = False
        self.used_before = 0
        if self.gpu:
            free, total = torch.cuda.mem_get_info(self.device)
            self.used_before = total - free

    def load(self, beside):
        self.free()
        of = transformers.AutoModelForCausalLM
        self.model = of.from_pretrained(self.path, dtype=self.dtype, attn_implementation=self.attention).to(self.device)
        self.model.train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-6, fused=True)
        self.reference = self.score()
        self.checkpointing = False
        if beside:
            self.updates()
        elif not self.fits():
            self.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
            self.checkpointing = True
            self.updates()

    def free(self):
        self.model = self.optimizer = self.reference = None
        self.collect()

    def collect(self):
        gc.collect()
        if self.gpu:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)

    def fits(self):
        """Says whether the memory holds an update's activations."""
        try:
            self.updates()
            return True
        except torch.cuda.OutOfMemoryError:
            pass  # and leave this block, which holds what the update made
        self.optimizer.zero_grad()
        self.collect()
        return False

    def logps(self):
        """Returns the completions' log-probabilities [2 pairs]. The head is on rows that are scored alone."""
        logits = self.model(input_ids=self.ids[:, :-1], logits_to_keep=self.scored, use_cache=False).logits
        wanted = self.ids[:, -self.scored:]
        return -F.cross_entropy(logits.float().flatten(0, 1), wanted.flatten(), reduction="none").view_as(wanted).sum(1)

    @torch.no_grad()
    def score(self):
        return self.logps()

    def update(self):
        chosen, rejected = (self.logps() - self.reference).chunk(2)
        (-F.logsigmoid(self.beta * (chosen - rejected))).mean().backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def updates(self):
        """Updates twice: the second needs the most memory, beside the moments that the first has made."""
        self.update()
        self.update()

    def timed(self, work):
        self.wait()
        start = time.perf_counter()
        work()
        self.wait()
        return time.perf_counter() - start

    def wait(self):
        if self.gpu:
            torch.cuda.synchronize(self.device)

    def report(self):
        """Returns what the model runs on and the peak of memory so far, in bytes."""
        report = dict(torch=torch.__version__, transformers=transformers.__version__, device=str(self.device), threads=torch.get_num_threads(),
                      attention=self.attention, checkpointing=self.checkpointing, logps=self.reference.tolist())
        if self.gpu:
            return dict(report, device=f"{self.device} ({torch.cuda.get_device_name(self.device)})", used_before=self.used_before,
                        peak_bytes=torch.cuda.max_memory_allocated(self.device), reserved_bytes=torch.cuda.max_memory_reserved(self.device))
        import resource  # which Windows lacks

        unit = 1 if sys.platform == "darwin" else 1024
        return dict(report, peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def main():
    setup, step = json.loads(sys.stdin.readline()), None
    for line in sys.stdin:
        request, failed = json.loads(line), None
        try:
            if request in ("load", "load beside"):
                step = step or Step(**setup)
                step.load(beside=request == "load beside")
                answer(**step.report())
            else:
                answer(seconds=step.timed({"scoring": step.score, "DPO update": step.update}[request]))
        except (torch.cuda.OutOfMemoryError, MemoryError) as e:
            failed = dict(error=str(e), out_of_memory=True)
        except Exception as e:
            failed = dict(error=f"{type(e).__name__}: {e}")
        if failed:  # here, where no exception holds what the work made
            if step:
                step.free()
            answer(**failed)


main()
