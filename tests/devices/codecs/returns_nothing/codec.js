function decodeUplink(input) {
  switch (input.bytes[0]) {
    case 1: return;
    case 2: return null;
    case 3: return {};
    case 4: return { data: {} };
    case 5: return { data: null };
    case 6: return { data: [1, 2] };
    case 7: return "text";
    case 8: return { data: { level: null } };
  }
}
