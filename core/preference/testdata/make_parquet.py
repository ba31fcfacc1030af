"""Writes rows.parquet, maps.parquet and ids.parquet with Arrow, as datasets are stored on the hub: the conversations of
rows.jsonl that name their prompt, beside columns that are no part of a preference, the first of them with maps for
messages, and rows of token ids.

    make_parquet.py        (pyarrow 21 or later)
"""

import datetime
import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent

rows = [json.loads(line) for line in open(HERE / "rows.jsonl")]
rows = [row for row in rows if isinstance(row.get("prompt"), list)]
for i, row in enumerate(rows):
    row["score"] = None if i == 0 else i / 2
    row["time"] = datetime.datetime(2026, 1, 1 + i)
    row["picture"] = b"\xff\xfe"
    row["names"] = [["a"], []]
message = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
schema = pa.schema([
    ("score", pa.float64()), ("prompt", message), ("chosen", message), ("rejected", message),
    ("time", pa.timestamp("us")), ("picture", pa.binary()), ("names", pa.list_(pa.list_(pa.string()))),
])
pq.write_table(pa.Table.from_pylist(rows, schema), HERE / "rows.parquet", compression="zstd", row_group_size=4)

message = pa.list_(pa.map_(pa.string(), pa.string()))
schema = pa.schema([("prompt", message), ("chosen", message), ("rejected", message), ("chat_template_kwargs", pa.map_(pa.string(), pa.bool_()))])
row = {name: [list(m.items()) for m in rows[0][name]] for name in ("prompt", "chosen", "rejected")}
row["chat_template_kwargs"] = [("thinking", True), ("brief", None)]
pq.write_table(pa.Table.from_pylist([row], schema), HERE / "maps.parquet")

ids = [{"prompt_ids": [1, 2, i], "chosen_ids": [3 + i], "rejected_ids": list(range(i + 1))} for i in range(150)]
pq.write_table(pa.Table.from_pylist(ids), HERE / "ids.parquet")
