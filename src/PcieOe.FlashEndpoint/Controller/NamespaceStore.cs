using System.Runtime.InteropServices;
using PcieOe.FlashEndpoint.Dma;
using PcieOe.FlashEndpoint.Media;
using PcieOe.Protocol.Frames;

namespace PcieOe.FlashEndpoint.Controller;

/// <summary>
/// Keeps the table of namespaces at the end of the medium, in two pages that are written in turn: whichever was written last and whole
/// counts. Little-endian:
/// <code>
///  0  signature "PcieOeNs"          8  version 1, 32 bits         12  CRC-32C of the page with this field 0
/// 16  sequence number, 64 bits     24  namespaces ever created    28  number of entries
/// 32  entries of 32 bytes: identifier, generation, 32 bits each; block size exponent, flags (bit 0 attached), 8 bits each; 6 bytes 0;
///     offset and size in bytes, 64 bits each
/// </code>
/// </summary>
public sealed unsafe class NamespaceStore
{
    /// <summary>What the medium gives up at its end.</summary>
    public const long AreaBytes = 64 * 1024;

    /// <summary>How many entries a page holds, rounded down.</summary>
    public const int MaximumNamespaces = 120;

    internal const int PageBytes = 4096;
    private const ulong Signature = 0x734E_654F_6569_6350;
    private const uint Version = 1;

    private readonly IBlockMedia _media;
    private readonly long _areaOffset;
    private ulong _sequence;

    internal NamespaceStore(IBlockMedia media)
    {
        _media = media;
        _areaOffset = (media.CapacityBytes - AreaBytes) / PageBytes * PageBytes;
    }

    /// <summary>Restores the table. Blocks until the medium has answered, so it is for the start of the program. False: there is none yet.</summary>
    /// <exception cref="MediaException">The table cannot be read, or does not fit this medium or these settings.</exception>
    internal bool TryLoad(NamespaceTable table)
    {
        using var pages = new NativeRegion(2 * PageBytes);
        Read(pages.Start, 2 * PageBytes);
        ReadOnlySpan<byte> newest = default;
        for (int i = 0; i < 2; i++)
        {
            var page = new ReadOnlySpan<byte>(pages.Start + i * PageBytes, PageBytes);
            Header header = MemoryMarshal.Read<Header>(page);
            if (header.Signature == Signature && header.Version == Version && header.Checksum == Checksum(page) && header.Sequence >= _sequence)
            {
                _sequence = header.Sequence + 1;
                newest = page;
            }
        }

        if (newest.IsEmpty)
        {
            return false;
        }

        Header found = MemoryMarshal.Read<Header>(newest);
        table.Created = found.Created;
        ReadOnlySpan<Entry> entries = MemoryMarshal.Cast<byte, Entry>(newest[sizeof(Header)..]);
        for (int i = 0; i < Math.Min((int)found.Count, entries.Length); i++)
        {
            ref readonly Entry entry = ref entries[i];
            if (entry.BlockShift is not (9 or 12) || !table.TryRestore(entry.Id, entry.Offset, entry.Size, entry.BlockShift, entry.Generation, (entry.Flags & 1) != 0))
            {
                throw new MediaException($"The medium holds a namespace {entry.Id} of {entry.Size} bytes at {entry.Offset} that does not fit. "
                    + "Give the medium the size, and the controller the number of namespaces, that they had when it was created.");
            }
        }

        return true;
    }

    /// <summary>Puts the table into a page and says where that is to be written, with forced unit access.</summary>
    internal MediaRequest MakeRequest(NamespaceTable table, byte* page, ulong context)
    {
        var bytes = new Span<byte>(page, PageBytes);
        bytes.Clear();
        Span<Entry> entries = MemoryMarshal.Cast<byte, Entry>(bytes[sizeof(Header)..]);
        int count = 0;
        for (Namespace? item = table.NextAfter(0); item is not null; item = table.NextAfter(item.Id))
        {
            // Until its range is wiped, a new namespace is not there after a restart either.
            if (item.IsNew)
            {
                continue;
            }

            entries[count++] = new Entry
            {
                Id = item.Id,
                Generation = item.Generation,
                BlockShift = (byte)item.BlockShift,
                Flags = item.IsAttached ? (byte)1 : (byte)0,
                Offset = item.OffsetBytes,
                Size = item.SizeBytes,
            };
        }

        var header = new Header { Signature = Signature, Version = Version, Sequence = _sequence, Created = table.Created, Count = (uint)count };
        MemoryMarshal.Write(bytes, in header);
        header.Checksum = Checksum(bytes);
        MemoryMarshal.Write(bytes, in header);
        return new MediaRequest
        {
            Operation = MediaOperation.Write,
            ForceUnitAccess = true,
            Offset = _areaOffset + (long)(_sequence++ & 1) * PageBytes,
            Length = PageBytes,
            Data = page,
            Context = context,
        };
    }

    private static uint Checksum(ReadOnlySpan<byte> page)
    {
        const int ChecksumOffset = 12;
        ReadOnlySpan<byte> zeroes = [0, 0, 0, 0];
        uint register = Crc32C.Append(Crc32C.Initial, page[..ChecksumOffset]);
        register = Crc32C.Append(register, zeroes);
        return Crc32C.Finish(Crc32C.Append(register, page[(ChecksumOffset + sizeof(uint))..]));
    }

    private void Read(byte* destination, int bytes)
    {
        if (_media.IsImmediate)
        {
            _media.Read(_areaOffset, new Span<byte>(destination, bytes));
            return;
        }

        var request = new MediaRequest { Operation = MediaOperation.Read, Offset = _areaOffset, Length = bytes, Data = destination };
        MediaStart start = _media.Start(in request, out MediaStatus status);
        if (start == MediaStart.Pending)
        {
            _media.Submit();
            var completions = new MediaCompletion[1];
            var wait = new SpinWait();
            while (_media.Poll(completions) == 0)
            {
                wait.SpinOnce();
            }

            status = completions[0].Status;
        }

        if (start == MediaStart.Busy || status != MediaStatus.Success)
        {
            throw new MediaException($"The table of namespaces at the end of the medium cannot be read ({status}).");
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Header
    {
        public ulong Signature;
        public uint Version;
        public uint Checksum;
        public ulong Sequence;
        public uint Created;
        public uint Count;
    }

    [StructLayout(LayoutKind.Sequential, Size = 32)]
    private struct Entry
    {
        public uint Id;
        public uint Generation;
        public byte BlockShift;
        public byte Flags;
        public long Offset;
        public long Size;
    }
}
