using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using PcieOe.Host.FrontEnds.Nbd.Protocol;
using PcieOe.Host.Tests.FrontEnds.Nbd.Harness;
using Xunit;

namespace PcieOe.Host.Tests.FrontEnds.Nbd;

public sealed class NegotiationTests
{
    private const uint FixedNewstyleNoZeroes = 3;

    private readonly Catalogue _catalogue = new();

    [Fact]
    public void Greeting_Always_IsFixedNewstyle()
    {
        ArrayBufferWriter<byte> output = new();

        OptionReplies.WriteGreeting(output);

        Assert.Equal("NBDMAGICIHAVEOPT"u8.ToArray(), output.WrittenSpan[..16].ToArray());
        Assert.Equal([0, 3], output.WrittenSpan[16..].ToArray());
    }

    [Fact]
    public void Go_KnownExport_TellsSizeFlagsAndLimitsAndBeginsTransmission()
    {
        (Negotiation negotiation, List<OptionReply> replies) = Run(Start().Option(NbdOption.StructuredReply).Go("b"));

        Assert.Equal(NegotiationState.Transmission, negotiation.State);
        Assert.Equal("b", negotiation.Export!.Name);
        Assert.True(negotiation.IsStructured);
        Assert.Equal([OptionReplyType.Acknowledged, OptionReplyType.Info, OptionReplyType.Info, OptionReplyType.Acknowledged], replies.Select(reply => reply.Type));
        byte[] export = replies[1].Content;
        Assert.Equal(12, export.Length);
        Assert.Equal(2UL << 20, BinaryPrimitives.ReadUInt64BigEndian(export.AsSpan(2)));
        Assert.Equal(0b1101_1110_1101, BinaryPrimitives.ReadUInt16BigEndian(export.AsSpan(10)));
        byte[] limits = replies[2].Content;
        Assert.Equal([3U, 4096U, 4096U, 32U << 20], [limits[1], BinaryPrimitives.ReadUInt32BigEndian(limits.AsSpan(2)), BinaryPrimitives.ReadUInt32BigEndian(limits.AsSpan(6)), BinaryPrimitives.ReadUInt32BigEndian(limits.AsSpan(10))]);
    }

    [Fact]
    public void Go_EmptyName_ChoosesTheFirstExport() => Assert.Equal("a", Run(Start().Go("")).Negotiation.Export!.Name);

    [Fact]
    public void Go_UnknownExport_IsAnsweredAndTheNextOptionRead()
    {
        (Negotiation negotiation, List<OptionReply> replies) = Run(Start().Go("nowhere").Go("a"));

        Assert.Equal(OptionReplyType.ErrorUnknown, replies[0].Type);
        Assert.Equal("a", negotiation.Export!.Name);
    }

    [Fact]
    public void Go_ReadOnlyExport_SaysSoAndOffersNoChanges()
    {
        _catalogue.List[0] = _catalogue.List[0] with { IsReadOnly = true };

        byte[] export = Run(Start().Go("a")).Replies[0].Content;

        Assert.Equal(TransmissionFlags.HasFlags | TransmissionFlags.ReadOnly | TransmissionFlags.SendFlush | TransmissionFlags.SendFua
            | TransmissionFlags.CanMultiConnect | TransmissionFlags.SendCache, (TransmissionFlags)BinaryPrimitives.ReadUInt16BigEndian(export.AsSpan(10)));
    }

    [Fact]
    public void Info_WithNameAndDescriptionTwice_TellsEachOnceAndStays()
    {
        byte[] data = new ClientBytes().Text("b").UInt16(5).UInt16(1).UInt16(2).UInt16(1).UInt16(2).UInt16(77).ToArray();

        (Negotiation negotiation, List<OptionReply> replies) = Run(Start().Option(NbdOption.Info, data));

        Assert.Equal(NegotiationState.Options, negotiation.State);
        Assert.Equal(5, replies.Count);
        Assert.Equal("b", Encoding.UTF8.GetString(replies[2].Content[2..]));
    }

    [Theory]
    [InlineData(NbdOption.Go)]
    [InlineData(NbdOption.Info)]
    [InlineData(NbdOption.ListMetaContext)]
    public void Option_CutShortAnywhere_IsInvalid(NbdOption option)
    {
        byte[] whole = option == NbdOption.ListMetaContext
            ? new ClientBytes().Text("a").UInt32(1).Text("base:").ToArray()
            : new ClientBytes().Text("a").UInt16(1).UInt16(3).ToArray();
        for (int length = 0; length < whole.Length; length++)
        {
            Assert.Equal(OptionReplyType.ErrorInvalid, Assert.Single(Run(Start().Option(option, whole.AsSpan(0, length))).Replies).Type);
        }

        Assert.Equal(OptionReplyType.ErrorInvalid, Assert.Single(Run(Start().Option(option, [.. whole, 0])).Replies).Type);
    }

    [Fact]
    public void List_TwoExports_NamesBoth()
    {
        List<OptionReply> replies = Run(Start().Option(NbdOption.List)).Replies;

        Assert.Equal(["a", "b"], replies.Take(2).Select(reply => Encoding.UTF8.GetString(reply.Content[4..])));
        Assert.Equal(OptionReplyType.Acknowledged, replies[2].Type);
        Assert.Equal(OptionReplyType.ErrorInvalid, Run(Start().Option(NbdOption.List, 1)).Replies[0].Type);
    }

    [Theory]
    [InlineData(1u, 134)]
    [InlineData(3u, 10)]
    public void ExportName_KnownExport_AnswersWithoutHeader(uint clientFlags, int expectedBytes)
    {
        Negotiation negotiation = new(_catalogue);
        ArrayBufferWriter<byte> output = new();

        negotiation.Consume(Sequence(new ClientBytes().UInt32(clientFlags).Option(NbdOption.ExportName, "b"u8).ToArray()), output);

        Assert.Equal(NegotiationState.Transmission, negotiation.State);
        Assert.Equal(expectedBytes, output.WrittenCount);
        Assert.Equal(2UL << 20, BinaryPrimitives.ReadUInt64BigEndian(output.WrittenSpan));
        Assert.True(output.WrittenSpan[10..].IndexOfAnyExcept((byte)0) < 0);
    }

    [Fact]
    public void ExportName_UnknownExport_EndsTheConnection() => Assert.Equal(NegotiationState.Ended, Run(Start().Option(NbdOption.ExportName, "x"u8)).Negotiation.State);

    [Fact]
    public void Abort_Always_IsAcknowledgedAndEnds()
    {
        (Negotiation negotiation, List<OptionReply> replies) = Run(Start().Option(NbdOption.Abort).Option(NbdOption.List));

        Assert.Equal(NegotiationState.Ended, negotiation.State);
        Assert.Equal(OptionReplyType.Acknowledged, Assert.Single(replies).Type);
    }

    [Theory]
    [InlineData(NbdOption.StartTls)]
    [InlineData(NbdOption.ExtendedHeaders)]
    [InlineData((NbdOption)4711)]
    public void Option_NotSupported_IsAnsweredSo(NbdOption option) =>
        Assert.Equal(OptionReplyType.ErrorUnsupported, Assert.Single(Run(Start().Option(option, 1, 2, 3)).Replies).Type);

    [Fact]
    public void Option_TooBig_IsReadOverAndAnswered()
    {
        (Negotiation negotiation, List<OptionReply> replies) = Run(Start().Option(NbdOption.Go, new byte[Negotiation.MaximumOptionBytes + 1]).Go("a"));

        Assert.Equal(OptionReplyType.ErrorTooBig, replies[0].Type);
        Assert.Equal("a", negotiation.Export!.Name);
    }

    [Theory]
    [InlineData(0xFFFF_FFFFu)]
    [InlineData((uint)Negotiation.MaximumSkippedBytes + 1)]
    public void Option_BeyondAllBounds_Ends(uint length) =>
        Assert.Equal(NegotiationState.Ended, Run(Start().UInt64(0x49484156454F5054).UInt32(7).UInt32(length)).Negotiation.State);

    [Fact]
    public void Options_WithoutEnd_AreCutOff()
    {
        ClientBytes bytes = Start();
        for (int i = 0; i <= Negotiation.MaximumOptions; i++)
        {
            bytes.Option(NbdOption.List);
        }

        Assert.Equal(NegotiationState.Ended, Run(bytes).Negotiation.State);
    }

    [Fact]
    public void Flags_UnknownBit_Ends() => Assert.Equal(NegotiationState.Ended, Run(new ClientBytes().UInt32(4)).Negotiation.State);

    [Theory]
    [InlineData("a", "a", true)]
    [InlineData("a", "b", false)]
    public void SetMetaContext_ThenGo_HoldsForThatExportAlone(string set, string go, bool expected)
    {
        byte[] data = new ClientBytes().Text(set).UInt32(2).Text("x:y").Text("base:allocation").ToArray();

        (Negotiation negotiation, List<OptionReply> replies) = Run(Start().Option(NbdOption.StructuredReply).Option(NbdOption.SetMetaContext, data).Go(go));

        Assert.Equal(OptionReplyType.MetaContext, replies[1].Type);
        Assert.Equal("base:allocation", Encoding.UTF8.GetString(replies[1].Content[4..]));
        Assert.Equal(expected, negotiation.HasBaseAllocation);
    }

    [Fact]
    public void SetMetaContext_WithoutStructuredReplies_IsInvalid() =>
        Assert.Equal(OptionReplyType.ErrorInvalid, Run(Start().Option(NbdOption.SetMetaContext, new ClientBytes().Text("a").UInt32(0).ToArray())).Replies[0].Type);

    [Theory]
    [InlineData(0, null, 2)]
    [InlineData(1, "base:", 2)]
    [InlineData(1, "base:allocation", 2)]
    [InlineData(1, "qemu:", 1)]
    public void ListMetaContext_Queries_AreMatched(uint queries, string? query, int expectedReplies)
    {
        ClientBytes data = new ClientBytes().Text("a").UInt32(queries);
        if (query is not null)
        {
            data.Text(query);
        }

        Assert.Equal(expectedReplies, Run(Start().Option(NbdOption.ListMetaContext, data.ToArray())).Replies.Count);
    }

    [Fact]
    public void Stream_SplitAtEveryByte_GivesTheSame()
    {
        byte[] bytes = Start().Option(NbdOption.List).Option((NbdOption)99, 1, 2, 3).Option(NbdOption.StructuredReply)
            .Option(NbdOption.SetMetaContext, new ClientBytes().Text("b").UInt32(1).Text("base:allocation").ToArray()).Go("b").Request(NbdCommand.Read, 0, 512, 1).ToArray();
        ArrayBufferWriter<byte> expected = new();
        long taken = new Negotiation(_catalogue).Consume(Sequence(bytes), expected);
        Assert.Equal(bytes.Length - 28, taken);

        for (int split = 0; split <= bytes.Length; split++)
        {
            Negotiation negotiation = new(_catalogue);
            ArrayBufferWriter<byte> output = new();
            int first = (int)negotiation.Consume(Sequence(bytes[..split]), output);
            long second = negotiation.Consume(Sequence(bytes[first..]), output);

            Assert.Equal(taken, first + second);
            Assert.Equal(expected.WrittenSpan, output.WrittenSpan);
            Assert.True(negotiation.HasBaseAllocation);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Stream_Mutated_NeverThrowsAndStaysBounded(int seed)
    {
        Random random = new(seed);
        byte[] good = Start().Option(NbdOption.List).Option(NbdOption.StructuredReply)
            .Option(NbdOption.SetMetaContext, new ClientBytes().Text("b").UInt32(1).Text("base:allocation").ToArray()).Go("b", NbdOption.Info).Go("b").ToArray();
        for (int round = 0; round < 5000; round++)
        {
            byte[] bytes = [.. good];
            for (int i = random.Next(1, 6); i > 0; i--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            Negotiation negotiation = new(_catalogue);
            ArrayBufferWriter<byte> output = new();
            Assert.InRange(negotiation.Consume(Sequence(bytes), output), 0, bytes.Length);
            Assert.InRange(output.WrittenCount, 0, 4096);
        }
    }

    private static ClientBytes Start() => new ClientBytes().UInt32(FixedNewstyleNoZeroes);

    private static ReadOnlySequence<byte> Sequence(byte[] bytes) => new(bytes);

    private (Negotiation Negotiation, List<OptionReply> Replies) Run(ClientBytes bytes)
    {
        Negotiation negotiation = new(_catalogue);
        ArrayBufferWriter<byte> output = new();
        negotiation.Consume(Sequence(bytes.ToArray()), output);
        return (negotiation, OptionReply.ReadAll(output.WrittenSpan));
    }

    private sealed class Catalogue : IExportCatalogue
    {
        public List<NbdExport> List { get; } = [new("a", "first", 0, 1, 512, 1 << 20, 65536, false), new("b", "second", 0, 2, 4096, 2 << 20, 65536, false)];

        public IReadOnlyList<NbdExport> Exports => List;
    }

    private sealed record OptionReply(NbdOption Option, OptionReplyType Type, byte[] Content)
    {
        public static List<OptionReply> ReadAll(ReadOnlySpan<byte> bytes)
        {
            List<OptionReply> replies = [];
            while (!bytes.IsEmpty)
            {
                Assert.Equal(0x0003E889045565A9UL, BinaryPrimitives.ReadUInt64BigEndian(bytes));
                int length = (int)BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]);
                replies.Add(new OptionReply((NbdOption)BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]), (OptionReplyType)BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]), bytes.Slice(20, length).ToArray()));
                bytes = bytes[(20 + length)..];
            }

            return replies;
        }
    }
}
