"""Makes the reference embeddings that the encoder is tested against, with another implementation: BERT of
PyTorch `transformers` in float32, mean pooling over the attention mask, L2 norm.

    python tests/tools/reference_embeddings.py MODEL_DIR > src/nn/golden/all-minilm-l6-v2.json

MODEL_DIR holds config.json, model.safetensors and tokenizer.json, as `firstline models pull` lays them.
Needs the packages torch, transformers and numpy.
"""

import hashlib
import json
import pathlib
import sys

import torch
import transformers

# Invented for this test. All stay under the model's 256 tokens, so that no policy of cutting plays a part.
TEXTS = [
    "",
    "?",
    "vpn",
    "   \t\n  ",
    "Printer on the 2nd floor prints blank pages since this morning",
    "URGENT: nobody in the Leeds office can send e-mail, 40 people affected!!!",
    "Password reset for J. Doe (jdoe@example.com) - locked out after 3 tries",
    "Bitte den Zugriff auf das gemeinsame Laufwerk f\u00fcr Frau M\u00fc\u00dfig freischalten, danke sch\u00f6n",
    "L'\u00e9cran reste noir apr\u00e8s la mise \u00e0 jour, m\u00eame en mode sans \u00e9chec",
    "\u4f1a\u8bae\u5ba4\u7684\u6295\u5f71\u4eea\u65e0\u6cd5\u8fde\u63a5",
    "\u041d\u0435 \u0440\u0430\u0431\u043e\u0442\u0430\u0435\u0442 \u043f\u043e\u0447\u0442\u0430 \u0441 \u0443\u0442\u0440\u0430",
    "Laptop won't boot \U0001f622\U0001f525 \u2014 blue screen 0x0000007B after Windows update KB5034441",
    "[ALERT] srv-db-02: disk C: 97.3 % used (threshold 90 %), 2024-03-05T04:12:09Z, see https://mon.example/a?id=7",
    "zero\u200bwidth and a combining cafe\u0301, \ufb01ligature, \u00bd and \u2122",
    "x" * 150,
    "New starter on Monday: please order a laptop, a second monitor and a headset, create the mailbox and the "
    "accounts for accounting and the CRM, add her to the Finance group, and book half an hour with me for the "
    "introduction. Her manager has signed the form; it is attached. She sits next to the window in room 214.",
    "Since the power cut last night the whole warehouse is offline. The switch in the rack shows amber lights "
    "only, the access points blink, and the handheld scanners say no network. We tried to turn it off and on "
    "again, twice, and waited ten minutes each time. The label printers work from the USB stick, but orders "
    "can't be booked and three trucks are waiting at the gate. The provider's router has green lights and the "
    "phone line works. Please send somebody, or call me on extension 5521 and tell me which cable goes where; "
    "I have the cabinet key and a torch. This is the second time in two months: last time a technician replaced "
    "a fuse in the battery unit and said the other one should be ordered as well.",
]


def embed(model, tokenizer, text):
    inputs = tokenizer(text, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1).to(hidden.dtype)
    mean = (hidden * mask).sum(1) / mask.sum(1)
    return inputs["input_ids"][0].tolist(), torch.nn.functional.normalize(mean, dim=-1)[0].tolist()


def main():
    folder = pathlib.Path(sys.argv[1])
    # The tokenizer's file as it is, but for its own cutting and padding.
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    model = transformers.BertModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    rows = []
    for text in TEXTS:
        ids, embedding = embed(model, tokenizer, text)
        assert len(ids) < 256, len(ids)
        rows.append({"text": text, "tokens": ids, "embedding": [round(v, 6) for v in embedding]})
    golden = {
        "made_by": "tests/tools/reference_embeddings.py",
        "torch": torch.__version__.split("+")[0],
        "transformers": transformers.__version__,
        "weights_sha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
    }
    head = json.dumps(golden)[:-1]
    print(head + ', "rows": [\n' + ",\n".join(json.dumps(r) for r in rows) + "\n]}")


if __name__ == "__main__":
    main()
