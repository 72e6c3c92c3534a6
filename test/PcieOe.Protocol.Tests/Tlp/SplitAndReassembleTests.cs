using FsCheck;
using FsCheck.Fluent;
using PcieOe.Protocol.Tlp;
using Xunit;

namespace PcieOe.Protocol.Tests.Tlp;

public sealed class SplitAndReassembleTests
{
    private static readonly Config Runs = Config.QuickThrowOnFailure.WithMaxTest(3000).WithReplay(20260, 7);

    private static readonly Arbitrary<(ulong Address, int Length, int Maximum)> Ranges = Arb.From(
        from high in Gen.Elements<ulong>(0, 0xFFFF_F000, 0x1_0000_0000, 0xFFFF_FFF0_0000_0000)
        from low in Gen.OneOf(Gen.Choose(0, 8191), Gen.Choose(4080, 4100))
        from length in Gen.OneOf(Gen.Choose(1, 20), Gen.Choose(1, 70_000))
        from maximum in Gen.Elements(128, 256, 512, 1024, 2048, 4096)
        select (high + (ulong)low, length, maximum));

    private static readonly Arbitrary<(ulong Address, int Length, int MaximumPayload, int Boundary)> Reads = Arb.From(
        from start in Gen.Choose(0, 4095)
        from length in Gen.OneOf(Gen.Choose(1, 200), Gen.Choose(1, 4096))
        from maximum in Gen.Elements(128, 256, 512, 4096)
        from boundary in Gen.Elements(64, 128)
        select (0x7_0000_0000ul + (ulong)start, Math.Min(length, 4096 - start), maximum, boundary));

    [Fact]
    public void Requests_OfAnyRange_CoverItAndKeepTheRules() => Check.One(Runs, Prop.ForAll(Ranges, range =>
    {
        (ulong address, int length, int maximum) = range;
        ulong expected = address;
        Span<byte> header = stackalloc byte[16];
        RequestSplitter splitter = new(address, length, maximum);
        int pieces = 0;
        while (splitter.TryNext(out ulong pieceAddress, out int pieceLength))
        {
            Assert.Equal(expected, pieceAddress);
            expected += (uint)pieceLength;
            MemoryRequestHeader.Read(pieceAddress, pieceLength, default, 0).Write(header);
            Assert.True(TlpView.TryParse(header, out TlpView view));
            Assert.Equal(TlpDefect.None, TlpRules.Check(view, maximum));
            Assert.True(view.LengthDoublewords * 4 <= maximum);
            Assert.Equal(pieceLength, view.ByteEnables.ByteCount(view.LengthDoublewords));
            Assert.True(splitter.Remaining == 0 || expected % 4 == 0);
            pieces++;
        }

        Assert.Equal(address + (uint)length, expected);
        Assert.True(pieces <= length / maximum + length / 4096 + 3);
    }));

    [Fact]
    public void Completions_OfAnyRead_ReassembleToTheSameBytes() => Check.One(Runs, Prop.ForAll(Reads, read =>
    {
        (ulong address, int length, int maximum, int boundary) = read;
        List<byte[]> completions = Answer(address, length, maximum, boundary);
        ReadReassembly reassembly = new(address, length);
        byte[] result = TlpBytes.Dirty(length);
        for (int index = 0; index < completions.Count; index++)
        {
            Assert.True(TlpView.TryParse(completions[index], out TlpView view));
            Assert.Equal(TlpDefect.None, TlpRules.Check(view, maximum));
            Assert.True(index == 0 || view.LowerAddress % boundary == 0);
            ReassemblyResult outcome = reassembly.Accept(view, out int offset, out ReadOnlySpan<byte> data);
            Assert.Equal(index == completions.Count - 1 ? ReassemblyResult.Last : ReassemblyResult.Piece, outcome);
            data.CopyTo(result.AsSpan(offset));
        }

        for (int index = 0; index < length; index++)
        {
            Assert.Equal(Pattern(address + (uint)index), result[index]);
        }
    }));

    [Fact]
    public void Completions_DamagedInOneField_NeverTaken() => Check.One(Runs, Prop.ForAll(Reads, Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), (read, choice) =>
    {
        (ulong address, int length, int maximum, int boundary) = read;
        List<byte[]> completions = Answer(address, length, maximum, boundary);
        int target = choice % completions.Count;
        byte[] damaged = completions[target];
        switch (choice / 64 % 4)
        {
            case 0:
                int byteCount = (damaged[6] & 0xF) << 8 | damaged[7];
                int other = (byteCount + 1 + choice / 256 % 4095) & 0xFFF;
                damaged[6] = (byte)(damaged[6] & 0xF0 | other >> 8);
                damaged[7] = (byte)other;
                break;
            case 1:
                damaged[11] = (byte)((damaged[11] + 1 + choice / 256 % 127) & 0x7F);
                break;
            case 2:
                damaged = [.. damaged, 1, 2, 3, 4];
                damaged[3]++;
                damaged[2] += damaged[3] == 0 ? (byte)1 : (byte)0;
                break;
            default:
                damaged[6] |= 0x10;
                break;
        }

        ReadReassembly reassembly = new(address, length);
        for (int index = 0; index < target; index++)
        {
            Assert.True(TlpView.TryParse(completions[index], out TlpView good));
            Assert.Equal(ReassemblyResult.Piece, reassembly.Accept(good, out _, out _));
        }

        if (TlpView.TryParse(damaged, out TlpView view) && view.TotalBytes == damaged.Length)
        {
            int before = reassembly.Received;
            Assert.Equal(ReassemblyResult.Malformed, reassembly.Accept(view, out _, out ReadOnlySpan<byte> data));
            Assert.True(data.IsEmpty);
            Assert.Equal(before, reassembly.Received);
        }
    }));

    [Fact]
    public void ZeroLengthRead_OneDontCareDoubleword_ByteCountOne()
    {
        byte[] request = new byte[12];
        MemoryRequestHeader.Read(0x1044, 0, default, 0).Write(request);
        Assert.Equal("00000001 00000000 00001044", TlpBytes.ToHex(request));
        Assert.True(TlpView.TryParse(request, out TlpView view));
        CompletionSplitter splitter = new(view, 128, 64);
        Assert.True(splitter.TryNext(out CompletionPiece piece));
        Assert.Equal(new CompletionPiece(0, 1, 1, 1, 0x44), piece);
        Assert.True(piece.IsLast);
        Assert.False(splitter.TryNext(out _));
    }

    [Fact]
    public void Completions_UnalignedRead_CutAtTheBoundary()
    {
        CompletionSplitter splitter = new(0x1003, 300, 128, 64);
        List<CompletionPiece> pieces = [];
        while (splitter.TryNext(out CompletionPiece piece))
        {
            pieces.Add(piece);
        }

        Assert.Equal([new(0, 125, 32, 300, 3), new(125, 128, 32, 175, 0), new(253, 47, 12, 47, 0)], pieces);
        Assert.Equal(3, pieces[0].PaddingBytes);
    }

    [Theory]
    [InlineData("0a000000 00002004 00000000", ReassemblyResult.Failed)]
    [InlineData("0a000000 00008004 00000000", ReassemblyResult.Failed)]
    [InlineData("0a000000 0000e004 00000000", ReassemblyResult.Failed)]
    [InlineData("0a000000 00000004 00000000", ReassemblyResult.Malformed)]
    [InlineData("4a000001 00002004 00000000 01020304", ReassemblyResult.Malformed)]
    [InlineData("4a004001 00000004 00000000 01020304", ReassemblyResult.Poisoned)]
    [InlineData("4a000001 00000004 00000000 01020304", ReassemblyResult.Last)]
    [InlineData("4a000002 00000004 00000000 01020304 05060708", ReassemblyResult.Malformed)]
    public void Accept_EachOutcome_Named(string words, ReassemblyResult expected)
    {
        ReadReassembly reassembly = new(0x1000, 4);
        Assert.True(TlpView.TryParse(TlpBytes.FromHex(words), out TlpView view));
        Assert.Equal(expected, reassembly.Accept(view, out int offset, out ReadOnlySpan<byte> data));
        Assert.Equal(0, offset);
        Assert.Equal(expected == ReassemblyResult.Last ? 4 : 0, data.Length);
    }

    [Fact]
    public void Accept_PieceThatEndsOffTheBoundary_Malformed()
    {
        byte[] bytes = TlpBytes.WithData("4a000008 00000080 00000000", 32);
        ReadReassembly reassembly = new(0x1000, 128);
        Assert.True(TlpView.TryParse(bytes, out TlpView view));
        Assert.Equal(ReassemblyResult.Malformed, reassembly.Accept(view, out _, out _));
        bytes = TlpBytes.WithData("4a000010 00000080 00000000", 64);
        Assert.True(TlpView.TryParse(bytes, out view));
        Assert.Equal(ReassemblyResult.Piece, reassembly.Accept(view, out _, out _));
    }

    [Fact]
    public void SplitAndReassemble_InSteadyState_AllocateNothing()
    {
        byte[] buffer = new byte[4096 + 16];
        TagPool tags = new(8, 1000);
        RoundTrip(buffer, tags);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 1000; round++)
        {
            RoundTrip(buffer, tags);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void RoundTrip(byte[] buffer, TagPool tags)
    {
        tags.TryAllocate(out ushort tag);
        MemoryRequestHeader.Read(0x1_0000_0123, 2000, default, tag).Write(buffer);
        _ = TlpView.TryParse(buffer, out TlpView request);
        TlpRules.Check(request, 128);
        CompletionSplitter splitter = new(request, 256, 64);
        ReadReassembly reassembly = new(0x1_0000_0123, 2000);
        CompletionHeader answer = CompletionHeader.WithoutData(request, default, CompletionStatus.SuccessfulCompletion);
        while (splitter.TryNext(out CompletionPiece piece))
        {
            new CompletionHeader
            {
                CompleterId = default,
                Status = CompletionStatus.SuccessfulCompletion,
                RequesterId = answer.RequesterId,
                Tag = tag,
                LengthDoublewords = piece.LengthDoublewords,
                ByteCount = piece.ByteCount,
                LowerAddress = piece.LowerAddress,
            }.Write(buffer);
            _ = TlpView.TryParse(buffer, out TlpView completion);
            reassembly.Accept(completion, out _, out _);
        }

        if (reassembly.Received != 2000)
        {
            throw new InvalidOperationException("The read did not come back whole.");
        }

        tags.Release(tag);
    }

    /// <summary>The completions of a read of <see cref="Pattern"/> memory, as bytes.</summary>
    private static List<byte[]> Answer(ulong address, int length, int maximumPayload, int boundary)
    {
        Span<byte> request = stackalloc byte[16];
        MemoryRequestHeader.Read(address, length, new RoutingId(0x0100), 0x123).Write(request);
        Assert.True(TlpView.TryParse(request, out TlpView view));
        CompletionSplitter splitter = new(view, maximumPayload, boundary);
        List<byte[]> completions = [];
        while (splitter.TryNext(out CompletionPiece piece))
        {
            byte[] bytes = TlpBytes.Dirty(CompletionHeader.WrittenLength + piece.LengthDoublewords * 4);
            new CompletionHeader
            {
                CompleterId = new RoutingId(0x0200),
                Status = CompletionStatus.SuccessfulCompletion,
                RequesterId = view.RequesterId,
                Tag = view.Tag,
                LengthDoublewords = piece.LengthDoublewords,
                ByteCount = piece.ByteCount,
                LowerAddress = piece.LowerAddress,
            }.Write(bytes);
            for (int index = 0; index < piece.Bytes; index++)
            {
                bytes[CompletionHeader.WrittenLength + piece.PaddingBytes + index] = Pattern(address + (uint)(piece.Offset + index));
            }

            completions.Add(bytes);
        }

        return completions;
    }

    private static byte Pattern(ulong address) => (byte)(address * 131 >> 3);
}
