-- Wireshark dissector of PCIe over Ethernet: the frame (docs/wire-format.md) and the TLPs in it (PCIe base spec. 2.2).
--
--   wireshark -X lua_script:dissector/pcieoe.lua capture.pcapng
--   tshark -2 -X lua_script:dissector/pcieoe.lua -r capture.pcapng -O pcieoe
--
-- Frames of a keyed session show their header; their content is sealed. Requests are matched to completions, frames sent again are
-- found by their sequence number. Two passes (tshark -2) let a request name its completion too.

local proto = Proto("pcieoe", "PCIe over Ethernet")

local bits = bit32 or bit
local band, bxor, rshift = bits.band, bits.bxor, bits.rshift

local HEADER_BYTES = 48
local CHECK_BYTES = 4
local SEAL_BYTES = 16
local VERSION = 1

local DISCOVER, OFFER, HELLO, CHALLENGE, ACCEPT, DATA, ACK, TIME, FEEDBACK, CLOSE = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
local LAST_OUTSIDE_SESSION = ACCEPT
local TYPES = {
  [DISCOVER] = "Discover", [OFFER] = "Offer", [HELLO] = "Hello", [CHALLENGE] = "Challenge", [ACCEPT] = "Accept",
  [DATA] = "Data", [ACK] = "Ack", [TIME] = "Time", [FEEDBACK] = "Feedback", [CLOSE] = "Close",
}

local SECURITY = { [0] = "Insecure", [1] = "Pre-shared key" }
local FIRST_REFUSAL = 16
local STATUS = {
  [0] = "New session", [1] = "Session resumed", [16] = "Not authorized", [17] = "Version not supported", [18] = "Target is insecure",
  [19] = "No such function", [20] = "Function busy", [21] = "Target full", [22] = "MTU too small", [23] = "Draining",
}
local SESSION_END = {
  [0] = "Closed", [1] = "Replaced", [2] = "Shutdown", [3] = "Released", [4] = "Lease expired", [5] = "State lost",
}
local BAD, GOOD, NOT_VERIFIED, SEALED = 0, 1, 2, 3
local CHECKS = { [BAD] = "Bad", [GOOD] = "Good", [NOT_VERIFIED] = "Not verified", [SEALED] = "Sealed" }

local TLP_TYPES = {
  [0x00] = "MRd32", [0x20] = "MRd64", [0x01] = "MRdLk32", [0x21] = "MRdLk64", [0x40] = "MWr32", [0x60] = "MWr64",
  [0x02] = "IORd", [0x42] = "IOWr", [0x04] = "CfgRd0", [0x44] = "CfgWr0", [0x05] = "CfgRd1", [0x45] = "CfgWr1",
  [0x5B] = "DMWr32", [0x7B] = "DMWr64", [0x0A] = "Cpl", [0x4A] = "CplD", [0x0B] = "CplLk", [0x4B] = "CplDLk",
  [0x4C] = "FetchAdd32", [0x6C] = "FetchAdd64", [0x4D] = "Swap32", [0x6D] = "Swap64", [0x4E] = "CAS32", [0x6E] = "CAS64",
  [0x30] = "Msg to root", [0x31] = "Msg by address", [0x32] = "Msg by ID", [0x33] = "Msg broadcast", [0x34] = "Msg local",
  [0x35] = "Msg gathered", [0x70] = "MsgD to root", [0x71] = "MsgD by address", [0x72] = "MsgD by ID", [0x73] = "MsgD broadcast",
  [0x74] = "MsgD local", [0x75] = "MsgD gathered",
}
local COMPLETION_STATUS = {
  [0] = "Successful Completion (SC)", [1] = "Unsupported Request (UR)", [2] = "Configuration Request Retry Status (CRS)",
  [4] = "Completer Abort (CA)",
}
local SHORT_STATUS = { [0] = "", [1] = " UR", [2] = " CRS", [4] = " CA" }
local ADDRESS_TYPES = { [0] = "Untranslated", [1] = "Translation request", [2] = "Translated", [3] = "Reserved" }
local VENDOR_DEFINED_0, VENDOR_DEFINED_1 = 0x7E, 0x7F
local MESSAGE_CODES = {
  [0x20] = "Assert_INTA", [0x24] = "Deassert_INTA",
  [VENDOR_DEFINED_0] = "Vendor_Defined type 0", [VENDOR_DEFINED_1] = "Vendor_Defined type 1",
}

local f = {
  version = ProtoField.uint8("pcieoe.version", "Version", base.DEC, nil, 0xF0),
  type = ProtoField.uint8("pcieoe.type", "Type", base.DEC, TYPES, 0x0F),
  flags = ProtoField.uint8("pcieoe.flags", "Flags", base.HEX),
  key_phase = ProtoField.bool("pcieoe.flags.key_phase", "Key phase", 8, nil, 0x01),
  ack_requested = ProtoField.bool("pcieoe.flags.ack_requested", "Acknowledgement requested", 8, nil, 0x02),
  length = ProtoField.uint16("pcieoe.length", "Length of what follows"),
  session = ProtoField.uint32("pcieoe.session", "Session", base.HEX),
  frame = ProtoField.uint64("pcieoe.frame", "Frame number"),
  sequence = ProtoField.uint32("pcieoe.sequence", "Sequence number"),
  next = ProtoField.uint32("pcieoe.next", "Next sequence expected"),
  received = ProtoField.uint64("pcieoe.received", "Received beyond", base.HEX),
  permitted = ProtoField.uint32("pcieoe.permitted", "Highest sequence permitted"),
  echo = ProtoField.uint32("pcieoe.echo", "Highest frame number received"),
  echo_delay = ProtoField.uint32("pcieoe.echo_delay", "Delay since, ns"),
  sent_at = ProtoField.uint32("pcieoe.sent_at", "Sent at, ns modulo 2^32"),
  content = ProtoField.bytes("pcieoe.content", "Content"),
  sealed = ProtoField.bytes("pcieoe.sealed", "Sealed content"),
  seal = ProtoField.bytes("pcieoe.seal", "Authentication tag"),
  check = ProtoField.uint32("pcieoe.check", "CRC-32C", base.HEX),
  check_status = ProtoField.uint8("pcieoe.check.status", "Check", base.DEC, CHECKS),
  bitmap = ProtoField.uint64("pcieoe.bitmap", "Bitmap, continued", base.HEX),
  retransmission_of = ProtoField.framenum("pcieoe.retransmission_of", "Retransmission of", base.NONE, frametype.RETRANS_PREV),

  security = ProtoField.uint8("pcieoe.security", "Security", base.DEC, SECURITY),
  mtu = ProtoField.uint16("pcieoe.mtu", "MTU"),
  host_session = ProtoField.uint32("pcieoe.host_session", "Host's session", base.HEX),
  target_session = ProtoField.uint32("pcieoe.target_session", "Target's session", base.HEX),
  resume_session = ProtoField.uint32("pcieoe.resume_session", "Session to resume", base.HEX),
  status = ProtoField.uint8("pcieoe.status", "Status", base.DEC, STATUS),
  lease = ProtoField.uint32("pcieoe.lease", "Lease, ms"),
  host_name = ProtoField.string("pcieoe.host_name", "Host"),
  target_name = ProtoField.string("pcieoe.target_name", "Target"),
  function_name = ProtoField.string("pcieoe.function_name", "Function"),
  page = ProtoField.uint8("pcieoe.page", "Page"),
  functions = ProtoField.uint16("pcieoe.functions", "Functions in all"),
  function_size = ProtoField.uint64("pcieoe.function_size", "Size, bytes"),
  is_answer = ProtoField.bool("pcieoe.is_answer", "Answer"),
  asked_at = ProtoField.uint64("pcieoe.time.asked", "Asked at, ns"),
  ask_received_at = ProtoField.uint64("pcieoe.time.ask_received", "Ask received at, ns"),
  answered_at = ProtoField.uint64("pcieoe.time.answered", "Answered at, ns"),
  feedback_hold = ProtoField.uint32("pcieoe.feedback.hold", "Holds for, us"),
  feedback_permitted = ProtoField.uint64("pcieoe.feedback.permitted", "Permitted, bits/s"),
  feedback_arriving = ProtoField.uint64("pcieoe.feedback.arriving", "Arriving, bits/s"),
  reason = ProtoField.uint8("pcieoe.reason", "Reason", base.DEC, SESSION_END),

  tlp = ProtoField.bytes("pcieoe.tlp", "TLP"),
  prefix = ProtoField.uint32("pcieoe.tlp.prefix", "Prefix", base.HEX),
  tlp_type = ProtoField.uint8("pcieoe.tlp.type", "Type", base.HEX, TLP_TYPES),
  tc = ProtoField.uint8("pcieoe.tlp.tc", "Traffic class", base.DEC, nil, 0x70),
  ido = ProtoField.bool("pcieoe.tlp.ido", "ID-based ordering", 8, nil, 0x04),
  ln = ProtoField.bool("pcieoe.tlp.ln", "Lightweight notification", 8, nil, 0x02),
  th = ProtoField.bool("pcieoe.tlp.th", "Processing hints", 8, nil, 0x01),
  td = ProtoField.bool("pcieoe.tlp.td", "Digest present", 8, nil, 0x80),
  ep = ProtoField.bool("pcieoe.tlp.ep", "Poisoned", 8, nil, 0x40),
  ro = ProtoField.bool("pcieoe.tlp.ro", "Relaxed ordering", 8, nil, 0x20),
  ns = ProtoField.bool("pcieoe.tlp.ns", "No snoop", 8, nil, 0x10),
  at = ProtoField.uint8("pcieoe.tlp.at", "Address type", base.DEC, ADDRESS_TYPES, 0x0C),
  length_dw = ProtoField.uint16("pcieoe.tlp.length", "Length, doublewords"),
  requester = ProtoField.string("pcieoe.tlp.requester", "Requester"),
  completer = ProtoField.string("pcieoe.tlp.completer", "Completer"),
  tag = ProtoField.uint16("pcieoe.tlp.tag", "Tag"),
  last_be = ProtoField.uint8("pcieoe.tlp.last_be", "Last byte enables", base.HEX, nil, 0xF0),
  first_be = ProtoField.uint8("pcieoe.tlp.first_be", "First byte enables", base.HEX, nil, 0x0F),
  bytes = ProtoField.uint16("pcieoe.tlp.bytes", "Bytes from first to last enabled"),
  address = ProtoField.uint64("pcieoe.tlp.address", "Address", base.HEX),
  destination = ProtoField.string("pcieoe.tlp.destination", "Destination"),
  register = ProtoField.uint16("pcieoe.tlp.register", "Register", base.HEX),
  completion_status = ProtoField.uint8("pcieoe.tlp.status", "Status", base.DEC, COMPLETION_STATUS, 0xE0),
  bcm = ProtoField.bool("pcieoe.tlp.bcm", "Byte count modified", 8, nil, 0x10),
  byte_count = ProtoField.uint16("pcieoe.tlp.byte_count", "Byte count"),
  lower_address = ProtoField.uint8("pcieoe.tlp.lower_address", "Lower address", base.HEX, nil, 0x7F),
  message_code = ProtoField.uint8("pcieoe.tlp.message_code", "Message code", base.HEX, MESSAGE_CODES),
  vendor = ProtoField.uint16("pcieoe.tlp.vendor", "Vendor", base.HEX),
  message_dw3 = ProtoField.uint32("pcieoe.tlp.message_dw3", "Fourth doubleword", base.HEX),
  payload = ProtoField.bytes("pcieoe.tlp.data", "Data"),
  digest = ProtoField.uint32("pcieoe.tlp.digest", "ECRC", base.HEX),
  request_in = ProtoField.framenum("pcieoe.tlp.request_in", "Request in", base.NONE, frametype.REQUEST),
  completed_in = ProtoField.framenum("pcieoe.tlp.completed_in", "Completed in", base.NONE, frametype.RESPONSE),
  latency = ProtoField.relative_time("pcieoe.tlp.latency", "Time since the request"),
}

local e = {
  truncated = ProtoExpert.new("pcieoe.truncated", "The frame is cut short", expert.group.MALFORMED, expert.severity.ERROR),
  version = ProtoExpert.new("pcieoe.version.unknown", "Unknown version", expert.group.PROTOCOL, expert.severity.WARN),
  check = ProtoExpert.new("pcieoe.check.bad",
    "The CRC-32C is wrong: the frame is damaged, or sealed in a session whose beginning was not captured",
    expert.group.CHECKSUM, expert.severity.ERROR),
  retransmission = ProtoExpert.new("pcieoe.retransmission", "Sent again", expert.group.SEQUENCE, expert.severity.NOTE),
  gap = ProtoExpert.new("pcieoe.gap", "Sequence numbers before this frame are missing", expert.group.SEQUENCE, expert.severity.NOTE),
  refused = ProtoExpert.new("pcieoe.refused", "The target refused the session", expert.group.RESPONSE_CODE, expert.severity.WARN),
  unparsable = ProtoExpert.new("pcieoe.tlp.unparsable", "Not a TLP: cut short, or of a reserved format",
    expert.group.MALFORMED, expert.severity.ERROR),
  malformed = ProtoExpert.new("pcieoe.tlp.malformed", "The TLP breaks a rule of its type", expert.group.MALFORMED, expert.severity.ERROR),
  unknown = ProtoExpert.new("pcieoe.tlp.unknown", "Unknown TLP type", expert.group.UNDECODED, expert.severity.NOTE),
  poisoned = ProtoExpert.new("pcieoe.tlp.poisoned", "Poisoned data", expert.group.RESPONSE_CODE, expert.severity.WARN),
  failed = ProtoExpert.new("pcieoe.tlp.failed", "The request was not successful", expert.group.RESPONSE_CODE, expert.severity.WARN),
  unexpected = ProtoExpert.new("pcieoe.tlp.unexpected",
    "No request with this requester and tag is outstanding in this capture", expert.group.SEQUENCE, expert.severity.WARN),
  reused = ProtoExpert.new("pcieoe.tlp.tag_reused", "The tag is still in use by an earlier request",
    expert.group.SEQUENCE, expert.severity.WARN),
}

local function values(map)
  local list = {}
  for _, value in pairs(map) do list[#list + 1] = value end
  return list
end

proto.fields = values(f)
proto.experts = values(e)
proto.prefs.ethertype = Pref.uint("EtherType", 0x88B5, "The EtherType that the link is configured for")
proto.prefs.verify = Pref.bool("Verify the CRC-32C", true, "Takes about a millisecond for a frame of 9000 bytes")

-- What the first pass learned. Sessions are named by "address of the receiver/session id".
local state

function proto.init()
  state = {
    peers = {},       -- session -> session of the other direction
    security = {},    -- session -> 0 or 1, as the accept said
    sequences = {},   -- session -> { highest = sequence number, frames = { sequence number -> packet } }
    outstanding = {}, -- conversation, requester's address, requester, tag -> transaction
    packets = {},     -- packet -> what was found out about it
  }
end

-- CRC-32C (reflected polynomial 82F63B78h), four bytes in a step.
local crc_tables = { {}, {}, {}, {} }
for index = 0, 255 do
  local crc = index
  for _ = 1, 8 do
    crc = crc % 2 == 1 and bxor(rshift(crc, 1), 0x82F63B78) or rshift(crc, 1)
  end
  crc_tables[1][index] = crc
end
for slice = 2, 4 do
  for index = 0, 255 do
    local before = crc_tables[slice - 1][index]
    crc_tables[slice][index] = bxor(rshift(before, 8), crc_tables[1][band(before, 0xFF)])
  end
end

local function crc32c(text)
  local t0, t1, t2, t3 = crc_tables[1], crc_tables[2], crc_tables[3], crc_tables[4]
  local crc = 0xFFFFFFFF
  local whole = #text - #text % 4
  for at = 1, whole, 4 do
    local a, b, c, d = text:byte(at, at + 3)
    local word = bxor(crc, a + b * 0x100 + c * 0x10000 + d * 0x1000000)
    crc = bxor(t3[band(word, 0xFF)], t2[band(rshift(word, 8), 0xFF)], t1[band(rshift(word, 16), 0xFF)], t0[rshift(word, 24)])
  end
  for at = whole + 1, #text do
    crc = bxor(t0[band(bxor(crc, text:byte(at)), 0xFF)], rshift(crc, 8))
  end
  return bxor(crc, 0xFFFFFFFF) % 0x100000000
end

local function routing_id(value)
  return string.format("%02x:%02x.%d", rshift(value, 8), band(rshift(value, 3), 0x1F), band(value, 7))
end

-- One name for both directions of a session if its accept was captured, else for all sessions between two addresses.
local function conversation(ctx)
  local one, other = ctx.session, state.peers[ctx.session]
  if not other then one, other = ctx.source, ctx.destination end
  return one < other and one .. " " .. other or other .. " " .. one
end

-- Offset of the first enabled byte, and bytes from there to the last enabled one (PCIe base spec. table 2-39).
local function enabled_range(length, first, last)
  if first == 0 then return 0, length == 1 and 0 or length * 4 end
  local start, stop = 0, 3
  while band(rshift(first, start), 1) == 0 do start = start + 1 end
  local mask = length == 1 and first or last
  while stop > 0 and band(rshift(mask, stop), 1) == 0 do stop = stop - 1 end
  return start, (length - 1) * 4 + stop + 1 - start
end

local function remember_request(ctx, tlp)
  local key = conversation(ctx) .. " " .. ctx.source .. " " .. tlp.requester .. " " .. tlp.tag
  local before = state.outstanding[key]
  local transaction = { request = ctx.packet, at = ctx.now, reuses = before and before.request }
  state.outstanding[key] = transaction
  return { transaction = transaction }
end

local function remember_completion(ctx, tlp)
  local key = conversation(ctx) .. " " .. ctx.destination .. " " .. tlp.requester .. " " .. tlp.tag
  local transaction = state.outstanding[key]
  if not transaction then return {} end
  local carried = tlp.payload_bytes - tlp.lower_address % 4
  if tlp.status ~= 0 or tlp.payload_bytes == 0 or carried >= tlp.byte_count then
    transaction.completed = ctx.packet
    state.outstanding[key] = nil
  end
  local nanoseconds = math.floor((ctx.now - transaction.at) * 1e9 + 0.5)
  return { transaction = transaction, latency = NSTime.new(math.floor(nanoseconds / 1e9), nanoseconds % 1e9) }
end

-- Runs on the first pass only, and only for content that did not come before; later passes find what it found.
local function remembered(ctx, tlp, remember)
  if ctx.is_new then ctx.memory.tlps[tlp.index] = remember(ctx, tlp) end
  return ctx.memory.tlps[tlp.index] or {}
end

local function add_request_links(ctx, tree, tlp)
  local transaction = remembered(ctx, tlp, remember_request).transaction
  if not transaction then return end
  if transaction.completed then tree:add(f.completed_in, transaction.completed):set_generated() end
  if transaction.reuses then
    tree:add_proto_expert_info(e.reused, "The tag is still in use by the request in frame " .. transaction.reuses)
  end
end

local function add_completion_links(ctx, tree, tlp)
  local memory = remembered(ctx, tlp, remember_completion)
  if memory.transaction then
    tree:add(f.request_in, memory.transaction.request):set_generated()
    tree:add(f.latency, memory.latency):set_generated()
  elseif not ctx.memory.repeats then
    tree:add_proto_expert_info(e.unexpected)
  end
end

-- Rules of PCIe base spec. 2.2.5 and 2.2.7 that a single TLP shows.
local function broken_rule(tlp)
  if tlp.is_config or tlp.is_io then
    local is_fixed = tlp.length == 1 and tlp.last_be == 0 and tlp.tc == 0
    return not is_fixed and "length 1, last byte enables 0 and traffic class 0 are fixed" or nil
  end
  if not tlp.is_memory then return nil end
  if tlp.length == 1 and tlp.last_be ~= 0 then return "a length of 1 has no last byte enables" end
  if tlp.length > 1 and (tlp.first_be == 0 or tlp.last_be == 0) then return "byte enables of 0" end
  if tlp.low % 4096 + tlp.length * 4 > 4096 then return "it crosses 4 KiB" end
  if tlp.is_long and tlp.high == 0 then return "a 4-DW header below 4 GiB" end
  return nil
end

local function add_byte_enables(tree, head)
  tree:add(f.last_be, head(7, 1))
  tree:add(f.first_be, head(7, 1))
end

local function dissect_memory(tree, head, tlp)
  add_byte_enables(tree, head)
  tlp.high = tlp.is_long and head(8, 4):uint() or 0
  local low = head(tlp.is_long and 12 or 8, 4):uint()
  tlp.low = low - low % 4
  tree:add(f.address, head(8, tlp.is_long and 8 or 4), UInt64.new(tlp.low, tlp.high))
  local text = tlp.high > 0 and string.format("0x%x%08x", tlp.high, tlp.low) or string.format("0x%x", tlp.low)
  if tlp.is_atomic then return text end
  local start, count = enabled_range(tlp.length, tlp.first_be, tlp.last_be)
  tree:add(f.bytes, head(0, 8), count):set_generated()
  return string.format("%s%s %d B", text, start > 0 and "+" .. start or "", count)
end

local function dissect_config(tree, head)
  add_byte_enables(tree, head)
  local destination = routing_id(head(8, 2):uint())
  local register = band(head(10, 2):uint(), 0xFFC)
  tree:add(f.destination, head(8, 2), destination)
  tree:add(f.register, head(10, 2), register)
  return string.format("%s 0x%x", destination, register)
end

local function dissect_message(tree, head)
  tree:add(f.message_code, head(7, 1))
  local code = head(7, 1):uint()
  if code == VENDOR_DEFINED_0 or code == VENDOR_DEFINED_1 then
    tree:add(f.destination, head(8, 2), routing_id(head(8, 2):uint()))
    tree:add(f.vendor, head(10, 2))
  end
  if head:len() == 16 then tree:add(f.message_dw3, head(12, 4)) end
  return MESSAGE_CODES[code] or string.format("code 0x%02x", code)
end

local function dissect_completion(ctx, tree, head, tlp)
  tree:add(f.completer, head(4, 2), routing_id(head(4, 2):uint()))
  tree:add(f.completion_status, head(6, 1))
  tree:add(f.bcm, head(6, 1))
  tlp.status = head(6, 1):bitfield(0, 3)
  tlp.byte_count = band(head(6, 2):uint(), 0xFFF)
  if tlp.byte_count == 0 then tlp.byte_count = 4096 end
  tree:add(f.byte_count, head(6, 2), tlp.byte_count)
  tlp.requester = head(8, 2):uint()
  tlp.tag = tlp.high_tag + head(10, 1):uint()
  tlp.lower_address = band(head(11, 1):uint(), 0x7F)
  tree:add(f.requester, head(8, 2), routing_id(tlp.requester))
  tree:add(f.tag, head(10, 1), tlp.tag)
  tree:add(f.lower_address, head(11, 1))
  if tlp.status ~= 0 then tree:add_proto_expert_info(e.failed) end
  add_completion_links(ctx, tree, tlp)
  return string.format("tag %d%s", tlp.tag, SHORT_STATUS[tlp.status] or " status " .. tlp.status)
end

local function dissect_request(ctx, tree, head, tlp)
  tlp.requester = head(4, 2):uint()
  tlp.tag = tlp.high_tag + head(6, 1):uint()
  tree:add(f.requester, head(4, 2), routing_id(tlp.requester))
  tree:add(f.tag, head(6, 1), tlp.tag)
  local words = ""
  if tlp.is_message then
    words = dissect_message(tree, head)
  elseif tlp.is_config then
    words = dissect_config(tree, head)
  elseif tlp.is_memory or tlp.is_atomic or tlp.is_io then
    words = dissect_memory(tree, head, tlp)
  end
  if tlp.is_known and not tlp.is_posted then
    words = words .. " tag " .. tlp.tag
    add_request_links(ctx, tree, tlp)
  end
  return words
end

-- What the first doubleword says, or nil if no TLP starts at `at` or it does not end before `limit`.
local function parse_tlp(content, start, limit)
  local at = start
  while at < limit and content(at, 1):bitfield(0, 3) == 4 do at = at + 4 end
  if at - start > 32 or limit - at < 12 or content(at, 1):bitfield(0, 1) == 1 then return nil end

  local code = content(at, 1):uint()
  local form = band(code, 0xDF)
  local length = band(content(at + 2, 2):uint(), 0x3FF)
  if length == 0 then length = 1024 end
  local second = content(at + 1, 1)
  local tlp = {
    at = at, code = code, length = length,
    is_long = band(code, 0x20) ~= 0,
    payload_bytes = band(code, 0x40) ~= 0 and length * 4 or 0,
    digest_bytes = content(at + 2, 1):bitfield(0, 1) * 4,
    tc = second:bitfield(1, 3),
    high_tag = second:bitfield(0, 1) * 0x200 + second:bitfield(4, 1) * 0x100,
    first_be = content(at + 7, 1):bitfield(4, 4),
    last_be = content(at + 7, 1):bitfield(0, 4),
    is_known = TLP_TYPES[code] ~= nil,
    is_memory = form == 0x00 or form == 0x01 or form == 0x40 or form == 0x5B,
    is_atomic = form == 0x4C or form == 0x4D or form == 0x4E,
    is_config = code == 0x04 or code == 0x44 or code == 0x05 or code == 0x45,
    is_io = code == 0x02 or code == 0x42,
    is_completion = band(code, 0xBE) == 0x0A,
    is_message = band(code, 0xB8) == 0x30,
  }
  tlp.is_posted = form == 0x40 or tlp.is_message
  tlp.header_bytes = tlp.is_long and 16 or 12
  tlp.stop = at + tlp.header_bytes + tlp.payload_bytes + tlp.digest_bytes
  return tlp.stop <= limit and tlp or nil
end

-- Returns where the next TLP starts and a word about this one, or nil if there is none.
local function dissect_tlp(ctx, content, start, tree, index)
  local tlp = parse_tlp(content, start, content:len())
  if not tlp then return nil end
  tlp.index = index
  local head = content(tlp.at, tlp.header_bytes)
  local node = tree:add(f.tlp, content(start, tlp.stop - start))
  for prefix = start, tlp.at - 4, 4 do node:add(f.prefix, content(prefix, 4)) end
  node:add(f.tlp_type, head(0, 1))
  for _, field in ipairs({ f.tc, f.ido, f.ln, f.th }) do node:add(field, head(1, 1)) end
  for _, field in ipairs({ f.td, f.ep, f.ro, f.ns, f.at }) do node:add(field, head(2, 1)) end
  node:add(f.length_dw, head(2, 2), tlp.length)

  local words = tlp.is_completion and dissect_completion(ctx, node, head, tlp) or dissect_request(ctx, node, head, tlp)
  if tlp.payload_bytes > 0 then node:add(f.payload, content(tlp.at + tlp.header_bytes, tlp.payload_bytes)) end
  if tlp.digest_bytes > 0 then node:add(f.digest, content(tlp.stop - 4, 4)) end

  if head(2, 1):bitfield(1, 1) == 1 then node:add_proto_expert_info(e.poisoned) end
  if not tlp.is_known then node:add_proto_expert_info(e.unknown) end
  local rule = broken_rule(tlp)
  if rule then node:add_proto_expert_info(e.malformed, "Malformed TLP: " .. rule) end

  local name = TLP_TYPES[tlp.code] or string.format("TLP type 0x%02x", tlp.code)
  local summary = words == "" and name or name .. " " .. words
  node:set_text("TLP: " .. summary)
  return tlp.stop, summary
end

local MAXIMUM_SUMMARIES = 4

local function dissect_data(ctx, content, tree)
  local offset, summaries = 0, {}
  while offset < content:len() do
    local stop, summary = dissect_tlp(ctx, content, offset, tree, #summaries + 1)
    summaries[#summaries + 1] = summary or "[not a TLP]"
    if not stop then
      tree:add(f.content, content(offset)):add_proto_expert_info(e.unparsable)
      break
    end
    offset = stop
  end
  local more = #summaries - MAXIMUM_SUMMARIES
  return table.concat(summaries, ", ", 1, math.min(#summaries, MAXIMUM_SUMMARIES)) .. (more > 0 and ", +" .. more or "")
end

local function add_name(tree, field, content, offset)
  local length = math.min(content(offset, 1):uint(), 63)
  local name = length > 0 and content(offset + 1, length):string(ENC_UTF_8) or ""
  tree:add(field, content(offset, 64), name)
  return name
end

local function dissect_discover(ctx, content, tree)
  if content:len() < 104 then return "" end
  tree:add(f.security, content(1, 1))
  tree:add(f.page, content(2, 1))
  return add_name(tree, f.host_name, content, 40)
end

local OFFERED_FUNCTION_BYTES = 80

local function dissect_offer(ctx, content, tree)
  if content:len() < 136 then return "" end
  tree:add(f.security, content(1, 1))
  tree:add(f.page, content(2, 1))
  tree:add(f.functions, content(4, 2))
  tree:add(f.mtu, content(6, 2))
  local target = add_name(tree, f.target_name, content, 40)
  local offset = 136
  for _ = 1, content(3, 1):uint() do
    if offset + OFFERED_FUNCTION_BYTES > content:len() then break end
    add_name(tree, f.function_name, content, offset)
    tree:add(f.function_size, content(offset + 64, 8))
    offset = offset + OFFERED_FUNCTION_BYTES
  end
  return string.format("%s has %d functions", target, content(4, 2):uint())
end

local function dissect_hello(ctx, content, tree)
  if content:len() < 384 then return "" end
  tree:add(f.security, content(1, 1))
  tree:add(f.mtu, content(2, 2))
  tree:add(f.host_session, content(4, 4))
  tree:add(f.resume_session, content(8, 4))
  local host = add_name(tree, f.host_name, content, 112)
  add_name(tree, f.target_name, content, 176)
  local name = add_name(tree, f.function_name, content, 240)
  return string.format("%s asks for %s", host, name == "" and "any function" or name)
end

local function dissect_challenge(ctx, content, tree)
  if content:len() >= 72 then tree:add(f.host_session, content(4, 4)) end
  return ""
end

-- An accept goes from target to host: it joins both directions of the session, and says whether they are sealed.
local function dissect_accept(ctx, content, tree)
  if content:len() < 384 then return "" end
  tree:add(f.security, content(1, 1))
  tree:add(f.status, content(2, 1))
  tree:add(f.target_session, content(4, 4))
  tree:add(f.host_session, content(8, 4))
  add_name(tree, f.target_name, content, 112)
  add_name(tree, f.function_name, content, 176)
  tree:add(f.lease, content(272, 4))
  tree:add(f.mtu, content(276, 2))
  local status = content(2, 1):uint()
  if status >= FIRST_REFUSAL then
    tree:add_proto_expert_info(e.refused)
  elseif ctx.is_new then
    local to_target = ctx.source .. "/" .. content(4, 4):uint()
    local to_host = ctx.destination .. "/" .. content(8, 4):uint()
    local security = content(1, 1):uint()
    state.peers[to_target], state.peers[to_host] = to_host, to_target
    state.security[to_target], state.security[to_host] = security, security
  end
  return STATUS[status] or "status " .. status
end

local function dissect_time(ctx, content, tree)
  if content:len() < 32 then return "" end
  local is_answer = content(0, 1):uint() == 1
  tree:add(f.is_answer, content(0, 1), is_answer)
  tree:add(f.asked_at, content(8, 8))
  tree:add(f.ask_received_at, content(16, 8))
  tree:add(f.answered_at, content(24, 8))
  return is_answer and "answer" or "ask"
end

local function dissect_feedback(ctx, content, tree)
  if content:len() ~= 24 then
    tree:add(f.content, content())
    return ""
  end
  tree:add(f.feedback_hold, content(4, 4))
  tree:add(f.feedback_permitted, content(8, 8))
  tree:add(f.feedback_arriving, content(16, 8))
  return string.format("%.1f Mb/s", content(8, 8):uint64():tonumber() / 1e6)
end

local function dissect_close(ctx, content, tree)
  if content:len() < 2 then return "" end
  tree:add(f.reason, content(0, 1))
  tree:add(f.is_answer, content(1, 1), content(1, 1):uint() == 1)
  return SESSION_END[content(0, 1):uint()] or ""
end

local function dissect_ack(ctx, content, tree)
  for offset = 0, content:len() - 8, 8 do tree:add(f.bitmap, content(offset, 8)) end
  return ""
end

local CONTENTS = {
  [DISCOVER] = dissect_discover, [OFFER] = dissect_offer,
  [HELLO] = dissect_hello, [CHALLENGE] = dissect_challenge, [ACCEPT] = dissect_accept,
  [DATA] = dissect_data, [ACK] = dissect_ack, [TIME] = dissect_time, [FEEDBACK] = dissect_feedback, [CLOSE] = dissect_close,
}

-- Signed distance of two sequence numbers modulo 2^32.
local function distance(from, to)
  local difference = (to - from) % 0x100000000
  return difference < 0x80000000 and difference or difference - 0x100000000
end

local function remember_sequence(ctx, sequence)
  local seen = state.sequences[ctx.session]
  if not seen then
    seen = { frames = {} }
    state.sequences[ctx.session] = seen
  end
  local ahead = seen.highest and distance(seen.highest, sequence) or 1
  ctx.memory.repeats = seen.frames[sequence]
  ctx.memory.has_gap = ahead > 1
  if ahead > 0 then seen.highest = sequence end
  seen.frames[sequence] = seen.frames[sequence] or ctx.packet
end

-- Nothing in a frame says whether it is sealed: the accept did, or a check that does not fit.
local function judge_check(ctx, tvb, frame_type, stop)
  local is_in_session = frame_type > LAST_OUTSIDE_SESSION
  if is_in_session and state.security[ctx.session] == 1 then return SEALED end
  if not proto.prefs.verify then return NOT_VERIFIED end
  return crc32c(tvb:raw(0, stop - CHECK_BYTES)) == tvb(stop - CHECK_BYTES, 4):uint() and GOOD or BAD
end

local function add_header(tvb, tree)
  tree:add(f.version, tvb(0, 1))
  tree:add(f.type, tvb(0, 1))
  local flags = tree:add(f.flags, tvb(1, 1))
  flags:add(f.key_phase, tvb(1, 1))
  flags:add(f.ack_requested, tvb(1, 1))
  tree:add(f.length, tvb(2, 2))
  tree:add(f.session, tvb(4, 4))
  tree:add(f.frame, tvb(8, 8))
  tree:add(f.sequence, tvb(16, 4))
  tree:add(f.next, tvb(20, 4))
  tree:add(f.received, tvb(24, 8))
  tree:add(f.permitted, tvb(32, 4))
  tree:add(f.echo, tvb(36, 4))
  tree:add(f.echo_delay, tvb(40, 4))
  tree:add(f.sent_at, tvb(44, 4))
end

local function dissect_sealed(tvb, tree, stop)
  local seal = math.max(HEADER_BYTES, stop - SEAL_BYTES)
  if seal > HEADER_BYTES then tree:add(f.sealed, tvb(HEADER_BYTES, seal - HEADER_BYTES)) end
  tree:add(f.seal, tvb(seal, stop - seal))
  tree:add(f.check_status, SEALED):set_generated()
  return string.format("[sealed, %d B]", seal - HEADER_BYTES)
end

local function dissect_clear(ctx, tvb, tree, frame_type, stop)
  local last = stop - CHECK_BYTES
  local words = ""
  if ctx.memory.check == BAD then
    words = "[bad check]"
    if last > HEADER_BYTES then tree:add(f.content, tvb(HEADER_BYTES, last - HEADER_BYTES)) end
  elseif last > HEADER_BYTES then
    local content = tvb(HEADER_BYTES, last - HEADER_BYTES):tvb()
    local dissect = CONTENTS[frame_type]
    if dissect then words = dissect(ctx, content, tree) else tree:add(f.content, content()) end
  end
  tree:add(f.check, tvb(last, 4))
  local item = tree:add(f.check_status, ctx.memory.check):set_generated()
  if ctx.memory.check == BAD then item:add_proto_expert_info(e.check) end
  return words
end

local function make_context(tvb, pinfo, frame_type, stop)
  local ctx = {
    packet = pinfo.number, now = pinfo.rel_ts,
    source = tostring(pinfo.dl_src), destination = tostring(pinfo.dl_dst),
  }
  ctx.session = ctx.destination .. "/" .. tvb(4, 4):uint()
  ctx.memory = state.packets[ctx.packet]
  if not ctx.memory then
    ctx.memory = { tlps = {}, check = judge_check(ctx, tvb, frame_type, stop) }
    state.packets[ctx.packet] = ctx.memory
    if frame_type == DATA and ctx.memory.check ~= BAD then remember_sequence(ctx, tvb(16, 4):uint()) end
    -- A frame sent again repeats requests and completions that are matched already.
    ctx.is_new = not ctx.memory.repeats
  end
  return ctx
end

function proto.dissector(tvb, pinfo, root)
  pinfo.cols.protocol = "PCIeoE"
  local tree = root:add(proto, tvb())
  if tvb:len() < HEADER_BYTES then
    tree:add_proto_expert_info(e.truncated)
    return tvb:len()
  end
  if tvb(0, 1):bitfield(0, 4) ~= VERSION then
    tree:add(f.version, tvb(0, 1)):add_proto_expert_info(e.version)
    return tvb:len()
  end

  add_header(tvb, tree)
  local frame_type = tvb(0, 1):bitfield(4, 4)
  local stop = HEADER_BYTES + tvb(2, 2):uint()
  local info = TYPES[frame_type] or "Type " .. frame_type
  if stop > tvb:len() or stop < HEADER_BYTES + CHECK_BYTES then
    tree:add_proto_expert_info(e.truncated)
    pinfo.cols.info = info .. " [cut short]"
    return tvb:len()
  end

  local ctx = make_context(tvb, pinfo, frame_type, stop)
  if frame_type == DATA then info = info .. string.format(" seq=%d", tvb(16, 4):uint()) end
  if frame_type == DATA or frame_type == ACK then info = info .. string.format(" next=%d", tvb(20, 4):uint()) end
  if ctx.memory.repeats then
    tree:add(f.retransmission_of, ctx.memory.repeats):set_generated()
    tree:add_proto_expert_info(e.retransmission)
    info = info .. " [again]"
  elseif ctx.memory.has_gap then
    tree:add_proto_expert_info(e.gap)
  end

  local words = ctx.memory.check == SEALED and dissect_sealed(tvb, tree, stop) or dissect_clear(ctx, tvb, tree, frame_type, stop)
  pinfo.cols.info = words == "" and info or info .. " " .. words
  return stop
end

local ethertypes = DissectorTable.get("ethertype")
local registered

local function register()
  if registered then ethertypes:remove(registered, proto) end
  registered = proto.prefs.ethertype
  ethertypes:add(registered, proto)
end

proto.prefs_changed = register
register()
