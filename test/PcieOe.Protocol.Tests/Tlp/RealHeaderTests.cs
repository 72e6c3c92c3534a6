using PcieOe.Protocol.Tlp;
using Xunit;

namespace PcieOe.Protocol.Tests.Tlp;

/// <summary>Header words captured on real hardware, read and written.</summary>
public sealed class RealHeaderTests
{
    private static readonly RoutingId Nvme = new(0x19, 0, 0);
    private static readonly RoutingId Card = new(0x1b, 0, 0);

    [Fact]
    public void NvmeWrites256Bytes_Real_ReadAndWritten()
    {
        byte[] bytes = TlpBytes.WithData("40002040 190000ff a0000000", 256);
        Assert.True(TlpView.TryParse(bytes, out TlpView view));
        Assert.Equal(TlpType.MemoryWrite32, view.Type);
        Assert.Equal(64, view.LengthDoublewords);
        Assert.True(view.Attributes.RelaxedOrdering);
        Assert.False(view.Attributes.NoSnoop);
        Assert.False(view.Attributes.IdBasedOrdering);
        Assert.Equal(Nvme, view.RequesterId);
        Assert.Equal(0, view.Tag);
        Assert.Equal(new ByteEnables(0xF, 0xF), view.ByteEnables);
        Assert.Equal(0xA000_0000ul, view.Address);
        Assert.Equal(256, view.Payload.Length);
        Assert.Equal(255, view.Payload[255]);
        Assert.Equal(TlpDefect.None, TlpRules.Check(view, 256));

        MemoryRequestHeader header = new()
        {
            Operation = MemoryOperation.Write,
            Address = 0xA000_0000,
            LengthDoublewords = 64,
            RequesterId = Nvme,
            ByteEnables = ByteEnables.FromRange(0xA000_0000, 256),
            Attributes = new TlpAttributes { RelaxedOrdering = true },
        };
        AssertWrites("40002040 190000ff a0000000", header);
    }

    [Fact]
    public void NvmeReads512Bytes_Real_ReadAndWritten()
    {
        Assert.True(TlpView.TryParse(TlpBytes.FromHex("00002080 190000ff a0000000"), out TlpView view));
        Assert.Equal(TlpType.MemoryRead32, view.Type);
        Assert.Equal(128, view.LengthDoublewords);
        Assert.True(view.Payload.IsEmpty);
        Assert.Equal(12, view.TotalBytes);

        MemoryRequestHeader header = new()
        {
            Operation = MemoryOperation.Read,
            Address = 0xA000_0000,
            LengthDoublewords = 128,
            RequesterId = Nvme,
            ByteEnables = ByteEnables.FromRange(0xA000_0000, 512),
            Attributes = new TlpAttributes { RelaxedOrdering = true },
        };
        AssertWrites("00002080 190000ff a0000000", header);
    }

    [Fact]
    public void FirstCompletionOf512Bytes_Real_ReadAndWritten()
    {
        byte[] bytes = TlpBytes.WithData("4a002040 1b000200 19000000", 256);
        Assert.True(TlpView.TryParse(bytes, out TlpView view));
        Assert.Equal(TlpType.CompletionWithData, view.Type);
        Assert.Equal(Card, view.CompleterId);
        Assert.Equal(CompletionStatus.SuccessfulCompletion, view.CompletionStatus);
        Assert.False(view.IsByteCountModified);
        Assert.Equal(512, view.ByteCount);
        Assert.Equal(64, view.LengthDoublewords);
        Assert.Equal(Nvme, view.RequesterId);

        CompletionHeader header = new()
        {
            CompleterId = Card,
            Status = CompletionStatus.SuccessfulCompletion,
            RequesterId = Nvme,
            Tag = 0,
            LengthDoublewords = 64,
            ByteCount = 512,
            Attributes = new TlpAttributes { RelaxedOrdering = true },
        };
        byte[] written = TlpBytes.Dirty(CompletionHeader.WrittenLength);
        header.Write(written);
        Assert.Equal("4a002040 1b000200 19000000", TlpBytes.ToHex(written));
    }

    [Fact]
    public void RootComplexReads64Bytes_Real_ReadAndWritten()
    {
        Assert.True(TlpView.TryParse(TlpBytes.FromHex("00000010 640000ff c0000000"), out TlpView view));
        Assert.Equal(64, view.LengthDoublewords * 4);
        Assert.Equal(new RoutingId(0x64, 0, 0), view.RequesterId);
        AssertWrites("00000010 640000ff c0000000", MemoryRequestHeader.Read(0xC000_0000, 64, new RoutingId(0x64, 0, 0), 0));
    }

    [Fact]
    public void PartialByteEnables_Real_ReadAndWritten()
    {
        Assert.True(TlpView.TryParse(TlpBytes.FromHex("00000019 1b00033f 3bb26800"), out TlpView view));
        Assert.Equal(3, view.Tag);
        Assert.Equal(0x3BB2_6800ul, view.Address);
        Assert.Equal(98, view.ByteEnables.ByteCount(view.LengthDoublewords));
        Assert.Equal(0, view.ByteEnables.FirstByteOffset);
        AssertWrites("00000019 1b00033f 3bb26800", MemoryRequestHeader.Read(0x3BB2_6800, 98, Card, 3));

        Assert.True(TlpView.TryParse(TlpBytes.WithData("4a000019 00000062 1b000300", 100), out TlpView completion));
        Assert.Equal(98, completion.ByteCount);
        Assert.Equal(3, completion.Tag);
        Assert.Equal(Card, completion.RequesterId);
        CompletionSplitter splitter = new(view, 256, 64);
        Assert.True(splitter.TryNext(out CompletionPiece piece));
        Assert.True(piece.IsLast);
        Assert.Equal(25, piece.LengthDoublewords);
        CompletionHeader header = new()
        {
            CompleterId = default,
            Status = CompletionStatus.SuccessfulCompletion,
            RequesterId = view.RequesterId,
            Tag = view.Tag,
            LengthDoublewords = piece.LengthDoublewords,
            ByteCount = piece.ByteCount,
            LowerAddress = piece.LowerAddress,
        };
        byte[] written = TlpBytes.Dirty(CompletionHeader.WrittenLength);
        header.Write(written);
        Assert.Equal("4a000019 00000062 1b000300", TlpBytes.ToHex(written));
    }

    [Fact]
    public void MsiXInterrupt_Real_ReadAndWritten()
    {
        Assert.True(TlpView.TryParse(TlpBytes.FromHex("40000001 1b00030f fee1a000 22400000"), out TlpView view));
        Assert.Equal(TlpType.MemoryWrite32, view.Type);
        Assert.Equal(0xFEE1_A000ul, view.Address);
        Assert.Equal(ByteEnables.OneDoubleword, view.ByteEnables);
        Assert.Equal("22400000", TlpBytes.ToHex(view.Payload));
        MemoryRequestHeader header = new()
        {
            Operation = MemoryOperation.Write,
            Address = 0xFEE1_A000,
            LengthDoublewords = 1,
            RequesterId = Card,
            Tag = 3,
            ByteEnables = ByteEnables.FromRange(0xFEE1_A000, 4),
        };
        AssertWrites("40000001 1b00030f fee1a000", header);
    }

    [Fact]
    public void Read4KiB_LengthFieldZero_ReadAndWritten()
    {
        Assert.True(TlpView.TryParse(TlpBytes.FromHex("00000000 0e0081ff 00001000"), out TlpView view));
        Assert.Equal(1024, view.LengthDoublewords);
        Assert.Equal(0x81, view.Tag);
        Assert.Equal(4096, view.ByteEnables.ByteCount(view.LengthDoublewords));
        Assert.Equal(TlpDefect.None, TlpRules.Check(view, 128));
        AssertWrites("00000000 0e0081ff 00001000", MemoryRequestHeader.Read(0x1000, 4096, new RoutingId(0x0e, 0, 0), 0x81));
    }

    [Fact]
    public void ConfigWrite0_Real_ReadAndWritten()
    {
        Assert.True(TlpView.TryParse(TlpBytes.FromHex("44000001 0000070f 01000104 11223344"), out TlpView view));
        Assert.Equal(TlpType.ConfigWrite0, view.Type);
        Assert.Equal(7, view.Tag);
        Assert.Equal(0x104, view.RegisterOffset);
        Assert.Equal("01:00.0", view.DestinationId.ToString());
        Assert.Equal("11223344", TlpBytes.ToHex(view.Payload));
        Assert.Equal(TlpDefect.None, TlpRules.Check(view, 128));

        ConfigRequestHeader header = new()
        {
            IsWrite = true,
            DestinationId = new RoutingId(1, 0, 0),
            RegisterOffset = 0x104,
            RequesterId = default,
            Tag = 7,
            ByteEnables = 0xF,
        };
        byte[] written = TlpBytes.Dirty(ConfigRequestHeader.WrittenLength);
        header.Write(written);
        Assert.Equal("44000001 0000070f 01000104", TlpBytes.ToHex(written));
    }

    private static void AssertWrites(string words, in MemoryRequestHeader header)
    {
        byte[] written = TlpBytes.Dirty(header.WrittenLength);
        header.Write(written);
        Assert.Equal(words, TlpBytes.ToHex(written));
    }
}
