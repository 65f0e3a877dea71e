#!/usr/bin/env python3
"""Small tokenizers of every kind, and what the PyPI package `tokenizers` makes of hostile texts with them.

  make_golden.py golden FILE.jsonl.gz        tests/golden/tokenizers.jsonl.gz: {name, tokenizer | sentencepiece, rows} a line
  make_golden.py fuzz FOLDER SEED TEXTS      NAME.tokenizer.json or NAME.model, and NAME.vectors.jsonl with TEXTS random texts each,
                                             for `sil tokenizer verify FOLDER/NAME.tokenizer.json < ...vectors.jsonl`

Made with tokenizers 0.23.3 and sentencepiece 0.2.3. A row: {text, add_special, parse_special, ids, decoded,
decoded_skip_special}; ids null: the package fails.
"""
import base64
import gzip
import io
import json
import pathlib
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers import decoders as D
from tokenizers import models as M
from tokenizers import normalizers as N
from tokenizers import pre_tokenizers as P
from tokenizers import processors as T
from tokenizers import trainers

WORDS = """the quick brown fox jumps over a lazy dog while seven wizards quietly mixed 12 boxes of 345 jugs; it's what
they'd done, we've seen I'm sure you'll agree don't you? naïve café Ångström über straße ÉCOLE éclair Ελλάδα σοφός ΣΟΦΌΣ
привет мир Москва שלום سلام नमस्ते สวัสดี 你好世界 漢字 日本語 カタカナ ひらがな 한국어 안녕 ﬁnd №5 ½ ² Ⅷ １２３ İstanbul ǅ 👍🏽 👩‍👩‍👧 😀 x=y+1;
{"key": [1, 2.5, null]} http://example.org/a?b=c&d=e def f(x): return x**2 <b>bold</b> $5.00 100% #tag @name ... -- ''quoted''
tokens token tokenize tokenizer tokenizing low lower lowest new newer newest wide wider widest""".split()
CORPUS = [" ".join(random.Random(i).choices(WORDS, k=12)) for i in range(300)]
SPECIALS = ["<s>", "</s>", "<unk>", "<pad>"]

ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", " ", "  \t\n\r\n", "'.,;:!?-_()[]{}<>/\\|@#$%^&*+=~`\"",
    "\u00a0\u1680\u2000\u2003\u2009\u200b\u200d\u2028\u2029\u202f\u205f\u3000\u180e\ufeff\u0085\x0b\x0c\x1c\x1f", "\x00\x01\x08\x0e\x7f\x80\x8f\x9f\xad",
    "àéîõüçñßøåÄÖÜŒœǅİıſΣςσΩℵ", "\u0300\u0301\u0308\u0327\u0334\u0345\u0591\u093c\u0f71\u20dd\ufe0f", "中文字漢語你好世界龍𠀀𪜶𫝀𫠠㐀豈䶵\U0002ebf0\U00031350",
    "한국어가각힣각ᄒ", "ひらがなカタカナｶﾞーヽ", "приветМИРїѢ", "שלוםسلام١٢٣۴۵", "नमस्तेक्षি্கொ", "สวัสดีกำລາວ", "😀👍🏽👩‍👩‍👧🇩🇪❤️☎️\U0001fae8\U0001fadc", "ﬁﬂ①½²Ⅷ㎏ﷺ１２Ａ℃…‥",
    "\u1734\u1cf2\u166d\u0897\u1c89\ua7cb\ua7da\U00010d50\U00010d70\U00016ea0\U000116d0\U0001e4f0\U00011f02\u2fef\u31e4", "\ue000\uf8ff\ufffd\ufffe\U000f0000\U0010ffff\u0378\u0600\u070f",
    "▁Ġ##</w>", "<0x41>", "，。、；：？！「」『』（）",
]
PHRASES = ["hello world", " the", "it's", "WE'LL", "DON'T", " 1234567 ", "\n\n", "   ", "x" * 40, "<s>", "</s>", "<unk>", "[MASK]", "[CLS]", "Extra", "extra ", "TOKEN",
           "<|im_start|>", "e\u0301", "\u1100\u1161\u11a8", "I do not , really . 'm", "▁▁", "``quote''", "\r\n", "ab cd", "a.b,c", "1,234.5", "naïve café"]


def random_text(rng):
    out = []
    for _ in range(rng.randint(0, 9)):
        kind = rng.random()
        if kind < 0.25:
            out.append(rng.choice(PHRASES))
        elif kind < 0.5:
            out.append((" " if rng.random() < 0.7 else "") + rng.choice(WORDS))
        elif kind < 0.93:
            out.append("".join(rng.choices(rng.choice(ALPHABETS), k=rng.randint(1, 6))))
        else:
            point = rng.choice([rng.randrange(0x3000), rng.randrange(0x20000), rng.randrange(0x110000)])
            out.append("x" if 0xD800 <= point < 0xE000 else chr(point))
    return "".join(out)


def build(model, trainer, normalizer=None, pre=None, post=None, decoder=None, added=(), patch=None):
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre:
        tokenizer.pre_tokenizer = pre
    if trainer:
        tokenizer.train_from_iterator(CORPUS, trainer)
    if decoder:
        tokenizer.decoder = decoder
    if added:
        for token in added:
            (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
    if post:
        tokenizer.post_processor = post(tokenizer)
    described = json.loads(tokenizer.to_str())
    if patch:
        patch(described)
        renumber(described)
    return described


def renumber(described):
    """Gives added tokens their ids again, once the vocabulary has grown."""
    vocab = described["model"]["vocab"]
    known = vocab if isinstance(vocab, dict) else {token: i for i, (token, _) in enumerate(vocab)}
    free = len(vocab)
    for token in described["added_tokens"]:
        token["id"] = known.get(token["content"], free)
        free += token["content"] not in known


def bpe(size=420, byte_level=True, **options):
    alphabet = P.ByteLevel.alphabet() if byte_level else []
    return trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIALS, initial_alphabet=alphabet, show_progress=False, **options)


def byte_fallback_bpe(**options):
    """Trained without byte tokens; they are put in front, as SentencePiece has them."""
    def patch(described):
        model = described["model"]
        rest = [t for t, _ in sorted(model["vocab"].items(), key=lambda item: item[1]) if t not in SPECIALS]
        # some characters go, so that bytes are needed
        rest = [t for t in rest if len(t) > 1 or ord(t) < 0x400]
        tokens = SPECIALS + [f"<0x{b:02X}>" for b in range(256)] + rest
        model["vocab"] = {t: i for i, t in enumerate(tokens)}
        known = set(tokens)
        model["merges"] = [m for m in model["merges"] if set(m) <= known and "".join(m) in known]
        model.update({"byte_fallback": True, "unk_token": "<unk>", "fuse_unk": True}, **options)
    return patch


def template(single, *names):
    return lambda tokenizer: T.TemplateProcessing(single=single, pair=single + " $B", special_tokens=[(n, tokenizer.token_to_id(n)) for n in names])


def split(pattern, behavior="isolated", invert=False):
    return P.Split(Regex(pattern), behavior, invert)


GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
         r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
DEEPSEEK = ["\\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
            "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"]
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"
ODD = r"\w+\b|\d{,2}|[[:digit:]]+|[^\P{L}a-m]+|[\p{L}&&[^\p{Lu}]]+|\h+|(?<x>--)|[\s\S&&[^\w]]|^.|[^\S\n]+$"
ADDED = [AddedToken("[MASK]", lstrip=True, special=True, normalized=False), AddedToken("Extra", single_word=True, normalized=True),
         AddedToken("extra ", rstrip=True, normalized=False), AddedToken("TOKEN", normalized=True, lstrip=True, rstrip=True),
         AddedToken("<|im_start|>", special=True, normalized=False), AddedToken("ab", normalized=False), AddedToken("ab cd", normalized=False)]


RULES = [("\ufb01", "fi"), ("\u00bd", "1/2"), ("e\u0301", "\u00e9"), ("\u2026", "..."), ("\u3000", " "), ("\u00a0", " "), ("\uff11", "1"), ("\u00df", "ss"), ("\u200b", ""),
         ("\u1112\u1161", "\ud558"), ("\u1112", "h"), ("A", "a")]


def charsmap(small):
    import sentencepiece
    import tempfile
    from sentencepiece import sentencepiece_model_pb2 as proto
    model = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        for before, after in RULES:
            rules.write(" ".join(f"{ord(c):X}" for c in before) + "\t" + " ".join(f"{ord(c):X}" for c in after) + "\n")
        rules.flush()
        rule = {"normalization_rule_tsv": rules.name} if small else {"normalization_rule_name": "nmt_nfkc"}
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=model, vocab_size=400, hard_vocab_limit=False, minloglevel=2, **rule)
    parsed = proto.ModelProto()
    parsed.ParseFromString(model.getvalue())
    return parsed.normalizer_spec.precompiled_charsmap


def unigram(size=420, **options):
    return trainers.UnigramTrainer(vocab_size=size, special_tokens=SPECIALS, unk_token="<unk>", show_progress=False, **options)


def with_bytes(described):
    model = described["model"]
    model["vocab"] += [[f"<0x{b:02X}>", 0.0] for b in range(256)]
    model["byte_fallback"] = True


def clones(small):
    byte_split = lambda *patterns: P.Sequence([split(p) for p in patterns] + [P.ByteLevel(add_prefix_space=False, use_regex=False)])
    level = D.ByteLevel()
    yield "llama3", build(M.BPE(ignore_merges=True), bpe(), None, byte_split(LLAMA3), template("<s> $A", "<s>"), level, ADDED)
    yield "qwen2", build(M.BPE(), bpe(), N.NFC(), byte_split(QWEN2), lambda t: T.ByteLevel(trim_offsets=False), level, ADDED)
    yield "o200k", build(M.BPE(), bpe(), None, byte_split(O200K), None, level)
    yield "cl100k", build(M.BPE(), bpe(), None, byte_split(CL100K), None, level)
    yield "deepseek", build(M.BPE(), bpe(), None, byte_split(*DEEPSEEK), template("<s> $A", "<s>"), level)
    yield "bloom", build(M.BPE(), bpe(), None, P.Sequence([split(BLOOM), P.ByteLevel(add_prefix_space=True, use_regex=False)]), None, level)
    yield "odd_pattern", build(M.BPE(), bpe(), None, byte_split(ODD), None, level)
    yield "roberta", build(M.BPE(), bpe(), None, P.ByteLevel(add_prefix_space=True), lambda t: T.RobertaProcessing(("</s>", 1), ("<s>", 0)), level, ADDED)
    yield "smollm", build(M.BPE(), bpe(), None, P.Sequence([P.Digits(True), P.ByteLevel(add_prefix_space=False)]), None, level, ADDED)
    yield "falcon", build(M.BPE(), bpe(), None, P.Sequence([P.Punctuation("contiguous"), P.ByteLevel(add_prefix_space=False), P.Digits(False), split("[0-9][0-9][0-9]")]), None, level)
    yield "byte_normalizer", build(M.BPE(unk_token="<unk>"), bpe(), N.Sequence([N.NFKC(), N.ByteLevel()]), split("Ġ", "merged_with_next"), None, level, ADDED)
    spm = D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)])
    plain = dict(byte_level=False)
    yield "llama2", build(M.BPE(unk_token="<unk>"), bpe(**plain), N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")]), None, template("<s> $A", "<s>"), spm, ADDED, byte_fallback_bpe())
    yield "gemma", build(M.BPE(unk_token="<unk>"), bpe(**plain), N.Replace(" ", "▁"), P.Split(" ", "merged_with_previous"), template("<s> $A </s>", "<s>", "</s>"),
                         D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse()]), ADDED, byte_fallback_bpe(fuse_unk=False))
    yield "metaspace_first", build(M.BPE(unk_token="<unk>"), bpe(**plain), N.Strip(), P.Metaspace(prepend_scheme="first"), None,
                                   D.Metaspace(prepend_scheme="first"), ADDED, byte_fallback_bpe(ignore_merges=True))
    yield "metaspace_never", build(M.BPE(unk_token="<unk>", fuse_unk=True), bpe(**plain), N.Sequence([N.Nmt(), N.Replace(Regex(" {2,}"), " ")]), P.Metaspace("_", "never"), None,
                                   D.Metaspace("_", "never"), ADDED)
    yield "metaspace_whole", build(M.BPE(unk_token="<unk>"), bpe(**plain), N.Sequence([N.Replace("``", '"'), N.StripAccents()]), P.Sequence([P.WhitespaceSplit(), P.Metaspace(prepend_scheme="first", split=False)]),
                                   None, D.Sequence([D.Metaspace(), D.Strip("e", 1, 2)]), ADDED)
    yield "clip", build(M.BPE(unk_token="<unk>", continuing_subword_prefix="", end_of_word_suffix="</w>"), bpe(end_of_word_suffix="</w>", **plain),
                        N.Sequence([N.NFC(), N.Replace(Regex(r"\s+"), " "), N.Lowercase()]), P.Sequence([split(r"'s|'t|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", "removed", True)]), None, D.BPEDecoder("</w>"), ADDED)
    yield "bpe_prefix", build(M.BPE(unk_token="<unk>", continuing_subword_prefix="##", fuse_unk=False), bpe(continuing_subword_prefix="##", **plain), N.NFKD(), P.Whitespace(), None, D.WordPiece("##", True))
    yield "bpe_no_unk", build(M.BPE(), bpe(**plain, limit_alphabet=40), N.Lowercase(), P.WhitespaceSplit())
    yield "t5", build(M.Unigram(), unigram(), N.Sequence([N.Precompiled(charsmap(small)), N.Replace(Regex(" {2,}"), " ")]), P.Metaspace(), template("$A </s>", "</s>"), D.Metaspace(), ADDED)
    yield "unigram_bytes", build(M.Unigram(), unigram(360), N.Sequence([N.Nmt(), N.NFKC(), N.Lowercase(), N.Strip(True, False)]), P.Sequence([P.Whitespace(), P.Digits(True)]), None,
                                 D.Sequence([D.ByteFallback(), D.Fuse()]), ADDED, with_bytes)
    yield "unigram_whole", build(M.Unigram(), unigram(360, max_piece_length=24), N.NFD(), P.Metaspace(split=False, prepend_scheme="never"), None, D.Sequence([D.Fuse(), D.Replace(Regex("[▁_]+"), " ")]))
    pieces = lambda **options: trainers.WordPieceTrainer(vocab_size=420, special_tokens=SPECIALS + ["[CLS]", "[SEP]", "[UNK]"], show_progress=False, **options)
    bert = lambda t: T.BertProcessing(("[SEP]", t.token_to_id("[SEP]")), ("[CLS]", t.token_to_id("[CLS]")))
    yield "bert_uncased", build(M.WordPiece(unk_token="[UNK]"), pieces(), N.BertNormalizer(), P.BertPreTokenizer(), bert, D.WordPiece(), ADDED)
    yield "bert_cased", build(M.WordPiece(unk_token="[UNK]", max_input_chars_per_word=6), pieces(), N.BertNormalizer(True, False, True, False), P.Sequence([P.BertPreTokenizer(), P.Digits(True)]),
                              template("[CLS] $A [SEP] $A", "[CLS]", "[SEP]"), D.WordPiece("##", False))
    yield "pieces_accents", build(M.WordPiece(unk_token="[UNK]", continuing_subword_prefix="~"), pieces(continuing_subword_prefix="~"), N.BertNormalizer(False, True, False, True), P.CharDelimiterSplit("e"), None, D.WordPiece("~", True))
    words = trainers.WordLevelTrainer(vocab_size=300, special_tokens=["<unk>"], show_progress=False)
    yield "words", build(M.WordLevel(unk_token="<unk>"), words, N.NFKC(), P.Whitespace(), None, None, ADDED)
    for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
        for invert in (False, True):
            yield f"split_{behavior}_{'inverted' if invert else 'plain'}", build(
                M.WordLevel(unk_token="<unk>"), words, N.Lowercase(), P.Sequence([P.Split("e", behavior, invert), P.Punctuation(behavior), split(r"\s+|o*", behavior, invert)]))


def rows_of(described, texts):
    tokenizer = Tokenizer.from_str(json.dumps(described))
    tokenizer.no_truncation()
    for i, text in enumerate(texts):
        add_special, parse_special = i % 3 != 2, i % 2 == 0
        tokenizer.encode_special_tokens = not parse_special
        row = {"text": text, "add_special": add_special, "parse_special": parse_special}
        try:
            row["ids"] = tokenizer.encode(text, add_special_tokens=add_special).ids
            try:
                row["decoded"] = tokenizer.decode(row["ids"], skip_special_tokens=False)
                row["decoded_skip_special"] = tokenizer.decode(row["ids"], skip_special_tokens=True)
            except BaseException:  # a Rust panic: too few tokens for BPEDecoder, too few characters for Strip
                row.pop("decoded", None)
        except BaseException:
            row["ids"] = None
        yield row


def sentencepieces():
    """Models of SentencePiece itself: name, bytes of the model file, processor."""
    import sentencepiece
    kinds = {"spm_bpe_bytes": dict(model_type="bpe", byte_fallback=True, vocab_size=500, normalization_rule_name="identity", remove_extra_whitespaces=False),
             "spm_bpe": dict(model_type="bpe", vocab_size=260, normalization_rule_name="identity", character_coverage=0.98),
             "spm_unigram": dict(model_type="unigram", vocab_size=260, normalization_rule_name="identity", add_dummy_prefix=False, remove_extra_whitespaces=False),
             "spm_unigram_bytes": dict(model_type="unigram", vocab_size=460, byte_fallback=True, normalization_rule_name="nfkc_cf")}
    for name, options in kinds.items():
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=model, hard_vocab_limit=False, minloglevel=2, num_threads=1, **options)
        yield name, model.getvalue(), sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def sentencepiece_rows(processor, texts):
    """Control tokens and NUL are left out: SentencePiece treats them in ways of its own."""
    for text in texts:
        if not any(taken in text for taken in ("\0", "<s>", "</s>", "<unk>", "<0x", "\u2581")):
            yield {"text": text, "add_special": False, "parse_special": False, "ids": processor.encode(text)}


def golden(path):
    rng = random.Random(20)
    out = io.BytesIO()
    for name, described in clones(True):
        rows = [row for row in rows_of(described, PHRASES[:6] + [random_text(rng) for _ in range(14)]) if row["ids"] is not None]
        out.write((json.dumps({"name": name, "tokenizer": described, "rows": rows}) + "\n").encode())
    for name, model, processor in sentencepieces():
        if name != "spm_unigram_bytes":  # its character map is large
            rows = list(sentencepiece_rows(processor, PHRASES[:6] + [random_text(rng) for _ in range(14)]))
            out.write((json.dumps({"name": name, "sentencepiece": base64.b64encode(model).decode(), "rows": rows}) + "\n").encode())
    pathlib.Path(path).write_bytes(gzip.compress(out.getvalue(), 9, mtime=0))


def fuzz(folder, seed, count):
    for name, described in clones(False):
        rng = random.Random(f"{seed} {name}")
        base = pathlib.Path(folder) / name
        base.with_name(name + ".tokenizer.json").write_text(json.dumps(described))
        with open(base.with_name(name + ".vectors.jsonl"), "w", encoding="utf-8") as out:
            for row in rows_of(described, (random_text(rng) for _ in range(count))):
                out.write(json.dumps(row) + "\n")


def fuzz_sentencepiece(folder, seed, count):
    for name, model, processor in sentencepieces():
        rng = random.Random(f"{seed} {name}")
        base = pathlib.Path(folder) / name
        base.with_name(name + ".model").write_bytes(model)
        with open(base.with_name(name + ".vectors.jsonl"), "w", encoding="utf-8") as out:
            for row in sentencepiece_rows(processor, (random_text(rng) for _ in range(count))):
                out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "golden":
        golden(sys.argv[2])
    else:
        fuzz(sys.argv[2], sys.argv[3], int(sys.argv[4]))
        fuzz_sentencepiece(sys.argv[2], sys.argv[3], int(sys.argv[4]))
