"""In: a vendor's JavaScript codec and a map file. Out: samples. Codecs run in QuickJS under ChirpStack's rules, without I/O."""
