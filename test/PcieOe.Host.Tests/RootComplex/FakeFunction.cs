using System.Buffers.Binary;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tlp;
using Xunit;

namespace PcieOe.Host.Tests.RootComplex;

/// <summary>
/// A scripted function at the far end of a lane: configuration space with BARs, MSI-X and hints, plain memory behind its BARs, and
/// whatever a test makes it send. It answers at once unless it is told not to.
/// </summary>
internal sealed class FakeFunction : ITlpSink
{
    public const int Bar0Bytes = 0x4000;
    public const int Bar2Bytes = 0x10_0000;
    public const int Bar4Bytes = 0x1000;
    public const int Vectors = 9;
    public const int TableOffset = 0x2000;
    public const int StatusOffset = 0x1C;
    public const uint UnreachableStatus = 0x0000_0002;
    public const int Pcie = 0x40;
    public const int Msix = 0x80;
    public const int PowerManagement = 0x90;
    public const int Aer = 0x200;
    public const int VendorOwn = 0xA0;

    private static readonly RoutingId Self = new(1, 0, 0);
    private static readonly uint[] BarMasks =
    [
        unchecked((uint)-Bar0Bytes), 0xFFFF_FFFF, unchecked((uint)-Bar2Bytes), 0xFFFF_FFFF, unchecked((uint)-Bar4Bytes), 0,
    ];

    private static readonly uint[] BarFlags = [0x4, 0, 0xC, 0, 0, 0];

    private readonly ITlpTransmitter _out;
    private readonly byte[] _config = new byte[4096];

    public FakeFunction(ITlpTransmitter transmitter)
    {
        _out = transmitter;
        Reset();
    }

    public byte[] Bar0 { get; } = new byte[Bar0Bytes];

    public byte[] Bar2 { get; } = new byte[Bar2Bytes];

    public byte[] Bar4 { get; } = new byte[Bar4Bytes];

    /// <summary>Memory reads that came, in order; answered unless <see cref="IsSilent"/>.</summary>
    public List<byte[]> Reads { get; } = [];

    public List<(ulong Address, byte[] Data)> Writes { get; } = [];

    public List<byte[]> Completions { get; } = [];

    public List<string> ConfigWrites { get; } = [];

    public int Resets { get; private set; }

    public ushort DeviceId { get; set; } = 0x1001;

    /// <summary>Takes requests and never answers.</summary>
    public bool IsSilent { get; set; }

    /// <summary>How many more configuration reads are answered with CRS.</summary>
    public int RetryAnswers { get; set; }

    public bool RecordsTraffic { get; set; } = true;

    /// <summary>Answers memory reads with this status.</summary>
    public CompletionStatus ReadStatus { get; set; }

    public void Reset()
    {
        Array.Clear(_config);
        Set(0x00, (uint)DeviceId << 16 | 0x1B36);
        Set(0x04, 1u << 20);
        Set(0x08, 0x0108_0201);
        Set(0x2C, 0x1100_1B36);
        Set(0x34, Pcie);
        Set(Pcie, 0x0002_0010 | Msix << 8);
        Set(Pcie + 0x04, 5 | 1 << 5 | 1 << 28);
        Set(Pcie + 0x08, 0x2810);
        Set(Pcie + 0x24, 1 << 16 | 1 << 17);
        Set(Msix, 0x11 | PowerManagement << 8 | (Vectors - 1) << 16);
        Set(Msix + 4, TableOffset);
        Set(Msix + 8, 0x3000);
        Set(PowerManagement, 0x0003_0001);
        Hints.Write(_config.AsSpan(0x100), next: Aer);
        Set(Aer, 0x0001_0001 | 1 << 16);
        for (int bar = 0; bar < 6; bar++)
        {
            Set(0x10 + bar * 4, BarFlags[bar]);
        }

        Array.Clear(Bar0);
    }

    /// <summary>The hints' last doubleword.</summary>
    private const int MemorySwitch = 0x100 + 12 + 12 + 12 + 12 + 8 - 4;

    private static BridgeHints Hints { get; } = new()
    {
        WriteOnlyRegisters = [new WriteOnlyRegisters(0, 0x1000, 16, 4, 4)],
        MappableMemory = [new MappableMemory(2, 0, Bar2Bytes)],
        UnreachableAnswers = [new UnreachableAnswer(0, StatusOffset, [UnreachableStatus])],
    };

    public uint Config(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_config.AsSpan(offset));

    public void Set(int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(_config.AsSpan(offset), value);

    public ulong BarAddress(int bar) => Config(0x10 + bar * 4) & ~0xFu | (BarFlags[bar] == 0 ? 0 : (ulong)Config(0x14 + bar * 4) << 32);

    public void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now)
    {
        while (!tlps.IsEmpty)
        {
            Assert.True(TlpView.TryParse(tlps, out TlpView tlp));
            Assert.True(TlpRules.Check(tlp, 4096) == TlpDefect.None);
            tlps = tlps[tlp.TotalBytes..];
            if (tlp.Type.IsConfig)
            {
                OnConfig(tlp);
            }
            else if (tlp.Type.IsMemoryRead)
            {
                OnRead(tlp);
            }
            else if (tlp.Type.IsMemoryWrite)
            {
                OnWrite(tlp);
            }
            else
            {
                Assert.True(tlp.Type.IsCompletion);
                if (RecordsTraffic)
                {
                    Completions.Add(tlp.Bytes.ToArray());
                }
            }
        }
    }

    /// <summary>Sends any TLP.</summary>
    public void Send(ReadOnlySpan<byte> tlp)
    {
        Span<byte> room = _out.Reserve(tlp.Length);
        Assert.False(room.IsEmpty);
        tlp.CopyTo(room);
        _out.Commit(tlp.Length);
    }

    public void DmaWrite(ulong address, ReadOnlySpan<byte> data)
    {
        MemoryRequestHeader header = MemoryRequestHeader.Write(address, data.Length, Self);
        byte[] tlp = new byte[header.WrittenLength + header.LengthDoublewords * 4];
        header.Write(tlp);
        data.CopyTo(tlp.AsSpan(header.WrittenLength + (int)(address & 3)));
        Send(tlp);
    }

    public void DmaRead(ulong address, int length, ushort tag)
    {
        MemoryRequestHeader header = MemoryRequestHeader.Read(address, length, Self, tag);
        Span<byte> room = _out.Reserve(header.WrittenLength);
        header.Write(room);
        _out.Commit(room.Length);
    }

    /// <summary>Interrupts as the far MSI-X table says.</summary>
    public void Interrupt(int vector)
    {
        ReadOnlySpan<byte> entry = Bar0.AsSpan(TableOffset + vector * 16, 16);
        DmaWrite(BinaryPrimitives.ReadUInt64LittleEndian(entry), entry.Slice(8, 4));
    }

    /// <summary>Answers a recorded read with <paramref name="data"/>, told to be <paramref name="byteCount"/> bytes long.</summary>
    public void Complete(ReadOnlySpan<byte> request, ReadOnlySpan<byte> data, int? byteCount = null, byte? lowerAddress = null, ushort? tag = null)
    {
        Assert.True(TlpView.TryParse(request, out TlpView read));
        byte[] tlp = new byte[12 + data.Length];
        new CompletionHeader
        {
            CompleterId = Self,
            Status = CompletionStatus.SuccessfulCompletion,
            RequesterId = read.RequesterId,
            Tag = tag ?? read.Tag,
            LengthDoublewords = data.Length / 4,
            ByteCount = byteCount ?? data.Length,
            LowerAddress = lowerAddress ?? (byte)(read.Address & 0x7F),
        }.Write(tlp);
        data.CopyTo(tlp.AsSpan(12));
        Send(tlp);
    }

    private void OnConfig(in TlpView tlp)
    {
        if (IsSilent)
        {
            return;
        }

        int offset = tlp.RegisterOffset;
        if (tlp.Type.HasData)
        {
            uint value = BinaryPrimitives.ReadUInt32LittleEndian(tlp.Payload);
            if (RecordsTraffic)
            {
                ConfigWrites.Add($"{offset:x3}={value:x8}/{tlp.ByteEnables.First:x}");
            }

            WriteConfig(offset, value, tlp.ByteEnables.First);
            Answer(tlp, CompletionStatus.SuccessfulCompletion, default);
            return;
        }

        if (RetryAnswers > 0)
        {
            RetryAnswers--;
            Answer(tlp, CompletionStatus.ConfigurationRequestRetry, default);
            return;
        }

        Answer(tlp, CompletionStatus.SuccessfulCompletion, _config.AsSpan(offset, 4));
    }

    private void WriteConfig(int offset, uint value, byte enables)
    {
        uint mask = 0;
        for (int i = 0; i < 4; i++)
        {
            mask |= (enables >> i & 1) != 0 ? 0xFFu << i * 8 : 0;
        }

        uint merged = Config(offset) & ~mask | value & mask;
        switch (offset)
        {
            case 0x04:
                Set(offset, Config(offset) & 0xFFFF_0000 | merged & 0x0547);
                break;
            case >= 0x10 and < 0x28:
                int bar = (offset - 0x10) / 4;
                Set(offset, merged & BarMasks[bar] | BarFlags[bar]);
                break;
            case Pcie + 0x08 when (value & mask & 0x8000) != 0:
                Resets++;
                Reset();
                break;
            case Pcie + 0x08 or Pcie + 0x28 or Msix or PowerManagement + 4 or Aer + 8 or Aer + 12 or Aer + 20:
                Set(offset, merged);
                break;
            case MemorySwitch:
                Set(offset, merged & 1);
                break;
            case VendorOwn:
                // Keeps half of what is written.
                Set(offset, merged & 0x0F0F_0F0F);
                break;
        }
    }

    private void OnRead(in TlpView tlp)
    {
        if (RecordsTraffic)
        {
            Reads.Add(tlp.Bytes.ToArray());
        }

        if (IsSilent)
        {
            return;
        }

        CompletionSplitter splitter = new(tlp, maximumPayloadBytes: 512, boundaryBytes: 64);
        ulong address = tlp.Address + (uint)tlp.ByteEnables.FirstByteOffset;
        if (ReadStatus != CompletionStatus.SuccessfulCompletion || !TryFind(address, splitter.Remaining, out Span<byte> memory))
        {
            Answer(tlp, ReadStatus == CompletionStatus.SuccessfulCompletion ? CompletionStatus.UnsupportedRequest : ReadStatus, default);
            return;
        }

        while (splitter.TryNext(out CompletionPiece piece))
        {
            Span<byte> room = _out.Reserve(12 + piece.LengthDoublewords * 4);
            room.Clear();
            new CompletionHeader
            {
                CompleterId = Self,
                Status = CompletionStatus.SuccessfulCompletion,
                RequesterId = tlp.RequesterId,
                Tag = tlp.Tag,
                LengthDoublewords = piece.LengthDoublewords,
                ByteCount = piece.ByteCount,
                LowerAddress = piece.LowerAddress,
                Attributes = tlp.Attributes,
            }.Write(room);
            memory.Slice(piece.Offset, piece.Bytes).CopyTo(room[(12 + piece.PaddingBytes)..]);
            _out.Commit(room.Length);
        }
    }

    private void OnWrite(in TlpView tlp)
    {
        int offset = tlp.ByteEnables.FirstByteOffset;
        ReadOnlySpan<byte> data = tlp.Payload.Slice(offset, tlp.ByteEnables.ByteCount(tlp.LengthDoublewords));
        ulong address = tlp.Address + (uint)offset;
        if (RecordsTraffic)
        {
            Writes.Add((address, data.ToArray()));
        }

        if (TryFind(address, data.Length, out Span<byte> memory))
        {
            data.CopyTo(memory);
        }
    }

    private bool TryFind(ulong address, int length, out Span<byte> memory)
    {
        memory = default;
        for (int bar = 0; bar < 6 && (Config(4) & 2) != 0; bar += 2)
        {
            byte[] bytes = bar switch { 0 => Bar0, 2 => Bar2, _ => Bar4 };
            ulong start = BarAddress(bar);
            if (start != 0 && address >= start && address + (ulong)length <= start + (ulong)bytes.Length)
            {
                memory = bytes.AsSpan((int)(address - start), length);
                return true;
            }
        }

        return false;
    }

    private void Answer(in TlpView request, CompletionStatus status, ReadOnlySpan<byte> data)
    {
        Span<byte> room = _out.Reserve(12 + data.Length);
        (CompletionHeader.WithoutData(request, Self, status) with { LengthDoublewords = data.Length / 4 }).Write(room);
        data.CopyTo(room[12..]);
        _out.Commit(room.Length);
    }
}
