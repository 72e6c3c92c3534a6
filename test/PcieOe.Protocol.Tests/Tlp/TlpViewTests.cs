using PcieOe.Protocol.Tlp;
using Xunit;

namespace PcieOe.Protocol.Tests.Tlp;

public sealed class TlpViewTests
{
    public static TheoryData<string> WholeTlps =>
    [
        "00000010 640000ff c0000000",
        "20000010 640000ff 00000001 c0000000",
        "40000001 1b00030f fee1a000 22400000",
        "60000001 1b00030f 00000001 fee1a000 22400000",
        "4a000001 00000004 1b000300 01020304",
        "74000001 0100007f 00001234 00000000 01020304",
        "00008010 640000ff c0000000 01020304",
        "80000000 90000000 00000010 640000ff c0000000",
        "5f000001 1b00030f fee1a000 22400000",
        "3e000000 1b00030f fee1a000 22400000",
    ];

    [Theory]
    [MemberData(nameof(WholeTlps))]
    public void TryParse_EveryShorterLength_Refused(string words)
    {
        byte[] bytes = TlpBytes.FromHex(words);
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.False(TlpView.TryParse(bytes.AsSpan(0, length), out _), $"{length} bytes");
        }

        Assert.True(TlpView.TryParse(bytes, out TlpView view));
        Assert.Equal(bytes.Length, view.TotalBytes);
    }

    [Theory]
    [MemberData(nameof(WholeTlps))]
    public void TryParse_MoreBehindIt_TotalBytesIsWhereTheNextStarts(string words)
    {
        byte[] bytes = TlpBytes.FromHex(words);
        byte[] twice = [.. bytes, .. bytes];
        Assert.True(TlpView.TryParse(twice, out TlpView view));
        Assert.Equal(bytes.Length, view.TotalBytes);
        Assert.True(TlpView.TryParse(twice.AsSpan(view.TotalBytes), out TlpView second));
        Assert.Equal(bytes, second.Bytes.ToArray());
    }

    [Theory]
    [InlineData(0xA0)]
    [InlineData(0xC0)]
    [InlineData(0xE0)]
    [InlineData(0xFF)]
    public void TryParse_ReservedFormat_Refused(int firstByte)
    {
        byte[] bytes = new byte[8192];
        bytes[0] = (byte)firstByte;
        Assert.False(TlpView.TryParse(bytes, out _));
    }

    [Fact]
    public void TryParse_TooManyPrefixes_Refused()
    {
        byte[] bytes = new byte[64];
        for (int index = 0; index < TlpLimits.MaximumPrefixes; index++)
        {
            bytes[index * 4] = 0x90;
        }

        Assert.True(TlpView.TryParse(bytes, out TlpView view));
        Assert.Equal(TlpLimits.MaximumPrefixes, view.PrefixCount);
        bytes[TlpLimits.MaximumPrefixes * 4] = 0x90;
        Assert.False(TlpView.TryParse(bytes, out _));
        Array.Fill(bytes, (byte)0x90);
        Assert.False(TlpView.TryParse(bytes, out _));
    }

    [Fact]
    public void TryParse_UnknownType_Survives()
    {
        Assert.True(TlpView.TryParse(TlpBytes.FromHex("5f000001 1b00030f fee1a000 22400000"), out TlpView view));
        Assert.Equal((TlpType)0x5F, view.Type);
        Assert.Equal("22400000", TlpBytes.ToHex(view.Payload));
        Assert.False(view.Type.IsPosted);
        Assert.False(view.Type.IsCompletion);
        Assert.Equal(TlpDefect.None, TlpRules.Check(view, 128));
    }

    [Fact]
    public void TryParse_AnyBytes_AccessorsNeverFail()
    {
        Random random = new(20260);
        byte[] bytes = new byte[4096 + 64];
        int parsed = 0;
        for (int round = 0; round < 200_000; round++)
        {
            int length = random.Next(0, round % 16 == 0 ? bytes.Length : 64);
            Span<byte> source = bytes.AsSpan(0, length);
            random.NextBytes(source);
            if (length > 0)
            {
                source[0] &= 0x9F;
            }

            if (TlpView.TryParse(source, out TlpView view))
            {
                parsed++;
                ReadEverything(view);
            }
        }

        Assert.InRange(parsed, 10_000, 190_000);
    }

    [Fact]
    public void Tag_TenBits_ReadAndWritten()
    {
        Span<byte> bytes = stackalloc byte[16];
        for (int tag = 0; tag < 1024; tag++)
        {
            bytes.Fill(0xA5);
            MemoryRequestHeader.Read(0x1_0000_0000, 4, new RoutingId(0xFFFF), (ushort)tag).Write(bytes);
            Assert.True(TlpView.TryParse(bytes, out TlpView view));
            Assert.Equal(tag, view.Tag);
            Assert.Equal(default, view.Attributes);
            CompletionHeader.WithoutData(view, default, CompletionStatus.CompleterAbort).Write(bytes);
            Assert.True(TlpView.TryParse(bytes, out TlpView completion));
            Assert.Equal(tag, completion.Tag);
            Assert.Equal(CompletionStatus.CompleterAbort, completion.CompletionStatus);
        }
    }

    [Fact]
    public void Attributes_EachAlone_ReadAndWritten()
    {
        TlpAttributes[] all =
        [
            default,
            new() { NoSnoop = true },
            new() { RelaxedOrdering = true },
            new() { IdBasedOrdering = true },
            .. Enumerable.Range(1, 7).Select(trafficClass => new TlpAttributes { TrafficClass = (byte)trafficClass }),
        ];
        foreach (TlpAttributes attributes in all)
        {
            byte[] bytes = TlpBytes.Dirty(12);
            new MemoryRequestHeader
            {
                Operation = MemoryOperation.Read,
                Address = 0x1000,
                LengthDoublewords = 1,
                RequesterId = default,
                Attributes = attributes,
            }.Write(bytes);
            Assert.True(TlpView.TryParse(bytes, out TlpView view));
            Assert.Equal(attributes, view.Attributes);
            Assert.Equal(1, view.LengthDoublewords);
            Assert.Equal(TlpType.MemoryRead32, view.Type);
        }

        Assert.Equal(all.Length, all.Distinct().Count());
    }

    [Fact]
    public void MemoryRequest_EveryField_ReadAndWritten()
    {
        byte[] bytes = TlpBytes.Dirty(16);
        new MemoryRequestHeader
        {
            Operation = MemoryOperation.Read,
            Address = 0xFEDC_BA98_7654_3210,
            LengthDoublewords = 1024,
            RequesterId = new RoutingId(0xAB, 0x1F, 7),
            Tag = 0x3FF,
            ByteEnables = new ByteEnables(0xC, 0x7),
            Attributes = new TlpAttributes { TrafficClass = 7, IdBasedOrdering = true, NoSnoop = true, RelaxedOrdering = true },
            AddressType = AddressType.Translated,
            HasProcessingHints = true,
            ProcessingHint = 2,
            IsPoisoned = true,
        }.Write(bytes);
        Assert.True(TlpView.TryParse(bytes, out TlpView view));
        Assert.Equal("20fd7800 abffff7c fedcba98 76543212", TlpBytes.ToHex(bytes));
        Assert.Equal(0xFEDC_BA98_7654_3210, view.Address);
        Assert.Equal(1024, view.LengthDoublewords);
        Assert.Equal("ab:1f.7", view.RequesterId.ToString());
        Assert.Equal(AddressType.Translated, view.AddressType);
        Assert.True(view.HasProcessingHints);
        Assert.Equal(2, view.ProcessingHint);
        Assert.True(view.IsPoisoned);
        Assert.False(view.HasDigest);
        Assert.False(view.IsLightweightNotification);
    }

    [Theory]
    [InlineData(MemoryOperation.Read, 0x0000_1000, TlpType.MemoryRead32)]
    [InlineData(MemoryOperation.Read, 0x1_0000_0000, TlpType.MemoryRead64)]
    [InlineData(MemoryOperation.ReadLocked, 0xFFFF_FFFC, TlpType.MemoryReadLocked32)]
    [InlineData(MemoryOperation.ReadLocked, 0x1_0000_0000, TlpType.MemoryReadLocked64)]
    [InlineData(MemoryOperation.Write, 0xFFFF_FFFC, TlpType.MemoryWrite32)]
    [InlineData(MemoryOperation.Write, 0x1_0000_0000, TlpType.MemoryWrite64)]
    [InlineData(MemoryOperation.DeferrableWrite, 0x1000, TlpType.DeferrableMemoryWrite32)]
    [InlineData(MemoryOperation.DeferrableWrite, 0x1_0000_0000, TlpType.DeferrableMemoryWrite64)]
    [InlineData(MemoryOperation.FetchAdd, 0x1000, TlpType.FetchAdd32)]
    [InlineData(MemoryOperation.FetchAdd, 0x1_0000_0000, TlpType.FetchAdd64)]
    [InlineData(MemoryOperation.Swap, 0x1000, TlpType.Swap32)]
    [InlineData(MemoryOperation.Swap, 0x1_0000_0000, TlpType.Swap64)]
    [InlineData(MemoryOperation.CompareAndSwap, 0x1000, TlpType.CompareAndSwap32)]
    [InlineData(MemoryOperation.CompareAndSwap, 0x1_0000_0000, TlpType.CompareAndSwap64)]
    public void MemoryRequest_EachOperation_HeaderFormFollowsTheAddress(MemoryOperation operation, long address, TlpType expected)
    {
        MemoryRequestHeader header = new() { Operation = operation, Address = (ulong)address, LengthDoublewords = 2, RequesterId = default };
        byte[] bytes = TlpBytes.Dirty(header.WrittenLength + 8);
        header.Write(bytes);
        Assert.True(TlpView.TryParse(bytes, out TlpView view));
        Assert.Equal(expected, view.Type);
        Assert.Equal((ulong)address, view.Address);
        Assert.Equal(header.WrittenLength, view.Header.Length);
        Assert.Equal(operation is MemoryOperation.Read or MemoryOperation.ReadLocked ? 0 : 8, view.Payload.Length);
    }

    [Fact]
    public void IoRequest_Both_ReadAndWritten()
    {
        byte[] bytes = TlpBytes.Dirty(16);
        new IoRequestHeader { IsWrite = true, Address = 0x3F9, RequesterId = new RoutingId(0x100), Tag = 5, ByteEnables = 2 }.Write(bytes);
        Assert.Equal("42000001 01000502 000003f8 a5a5a5a5", TlpBytes.ToHex(bytes));
        Assert.True(TlpView.TryParse(bytes, out TlpView view));
        Assert.Equal(0x3F8ul, view.Address);
        Assert.Equal(TlpDefect.None, TlpRules.Check(view, 128));
        new IoRequestHeader { IsWrite = false, Address = 0x3F8, RequesterId = default, Tag = 0, ByteEnables = 1 }.Write(bytes);
        Assert.Equal("02000001 00000001 000003f8", TlpBytes.ToHex(bytes.AsSpan(0, 12)));
    }

    [Theory]
    [InlineData(false, false, TlpType.ConfigRead0)]
    [InlineData(false, true, TlpType.ConfigRead1)]
    [InlineData(true, false, TlpType.ConfigWrite0)]
    [InlineData(true, true, TlpType.ConfigWrite1)]
    public void ConfigRequest_EachType_ReadAndWritten(bool isWrite, bool isType1, TlpType expected)
    {
        byte[] bytes = TlpBytes.Dirty(16);
        new ConfigRequestHeader
        {
            IsWrite = isWrite,
            IsType1 = isType1,
            DestinationId = new RoutingId(0xFF, 31, 7),
            RegisterOffset = 0xFFF,
            RequesterId = new RoutingId(8),
            Tag = 0x2A1,
            ByteEnables = 9,
        }.Write(bytes);
        Assert.True(TlpView.TryParse(bytes, out TlpView view));
        Assert.Equal(expected, view.Type);
        Assert.Equal(0xFFC, view.RegisterOffset);
        Assert.Equal(0xFFFF, view.DestinationId.Value);
        Assert.Equal(0x2A1, view.Tag);
        Assert.Equal(new ByteEnables(9, 0), view.ByteEnables);
        Assert.Equal(isWrite ? 4 : 0, view.Payload.Length);
    }

    [Fact]
    public void Completion_EveryForm_ReadAndWritten()
    {
        foreach ((int doublewords, bool locked, TlpType expected) in ((int, bool, TlpType)[])
            [(0, false, TlpType.Completion), (1, false, TlpType.CompletionWithData), (0, true, TlpType.CompletionLocked), (1, true, TlpType.CompletionLockedWithData)])
        {
            byte[] bytes = TlpBytes.Dirty(16);
            new CompletionHeader
            {
                CompleterId = new RoutingId(0x1234),
                Status = CompletionStatus.ConfigurationRequestRetry,
                RequesterId = new RoutingId(0x5678),
                Tag = 0x155,
                LengthDoublewords = doublewords,
                ByteCount = 4096,
                LowerAddress = 0x7F,
                IsLocked = locked,
                IsByteCountModified = true,
            }.Write(bytes);
            Assert.True(TlpView.TryParse(bytes, out TlpView view));
            Assert.Equal(expected, view.Type);
            Assert.True(view.Type.IsCompletion);
            Assert.Equal(0x1234, view.CompleterId.Value);
            Assert.Equal(0x5678, view.RequesterId.Value);
            Assert.Equal(0x155, view.Tag);
            Assert.Equal(4096, view.ByteCount);
            Assert.Equal(0x7F, view.LowerAddress);
            Assert.Equal(CompletionStatus.ConfigurationRequestRetry, view.CompletionStatus);
            Assert.True(view.IsByteCountModified);
        }
    }

    [Fact]
    public void VendorMessage_WithData_ReadAndWritten()
    {
        byte[] bytes = TlpBytes.Dirty(24);
        MessageHeader.VendorDefined(MessageRouting.ToRootComplex, new RoutingId(1, 0, 0), new RoutingId(0x0203), 0xABCD, 0x11223344, 2).Write(bytes);
        Assert.Equal("70000002 0100007f 0203abcd 11223344 a5a5a5a5 a5a5a5a5", TlpBytes.ToHex(bytes));
        Assert.True(TlpView.TryParse(bytes, out TlpView view));
        Assert.True(view.Type.IsMessage);
        Assert.True(view.Type.IsPosted);
        Assert.Equal(MessageCode.VendorDefinedType1, view.MessageCode);
        Assert.Equal(0xABCD, view.VendorId);
        Assert.Equal(0x0203, view.DestinationId.Value);
        Assert.Equal(0x11223344u, view.MessageDoubleword3);
        Assert.Equal(8, view.Payload.Length);
    }

    [Fact]
    public void Prefixes_InFront_KeptApart()
    {
        byte[] bytes = [.. TlpBytes.FromHex("81aabbcc 91010203"), .. TlpBytes.FromHex("00000001 0100000f 00001000")];
        Assert.True(TlpView.TryParse(bytes, out TlpView view));
        Assert.Equal(2, view.PrefixCount);
        Assert.Equal(0x81AABBCCu, view.Prefix(0).Value);
        Assert.False(view.Prefix(0).IsEndToEnd);
        Assert.True(view.Prefix(1).IsEndToEnd);
        Assert.Equal(TlpType.MemoryRead32, view.Type);
        Assert.Equal(0x1000ul, view.Address);
        Assert.Equal(TlpDefect.None, TlpRules.Check(view, 128));
        byte[] written = TlpBytes.Dirty(TlpPrefix.WrittenLength);
        view.Prefix(1).Write(written);
        Assert.Equal("91010203", TlpBytes.ToHex(written));
    }

    [Fact]
    public void WireValues_OfEnums_AreFrozen()
    {
        Assert.Equal(
            [0x00, 0x01, 0x02, 0x04, 0x05, 0x0A, 0x0B, 0x20, 0x21, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x40, 0x42, 0x44, 0x45, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x5B, 0x60, 0x6C, 0x6D, 0x6E, 0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x7B],
            Enum.GetValues<TlpType>().Select(value => (int)value).Order());
        Assert.Equal([0, 1, 2, 4], Enum.GetValues<CompletionStatus>().Select(value => (int)value));
        Assert.Equal([0x00, 0x01, 0x40, 0x4C, 0x4D, 0x4E, 0x5B], Enum.GetValues<MemoryOperation>().Select(value => (int)value));
        Assert.Equal([0, 1, 2, 3, 4, 5], Enum.GetValues<MessageRouting>().Select(value => (int)value));
        Assert.Equal(0x7F, (int)MessageCode.VendorDefinedType1);
        Assert.Equal(0x0A, (int)TlpType.Completion);
        Assert.Equal(0x4B, (int)TlpType.CompletionLockedWithData);
    }

    private static void ReadEverything(in TlpView view)
    {
        _ = view.Bytes.Length + view.Header.Length + view.Payload.Length + view.LengthDoublewords + view.PrefixCount;
        for (int index = 0; index < view.PrefixCount; index++)
        {
            _ = view.Prefix(index).Type;
        }

        _ = view.Digest + (view.IsDigestValid ? 1 : 0) + view.RequesterId.Value + view.Tag + view.ByteEnables.First;
        _ = view.Address + view.ProcessingHint + view.DestinationId.Value + (ulong)view.RegisterOffset + (ulong)view.MessageCode;
        _ = view.VendorId + view.MessageDoubleword3 + view.CompleterId.Value + (uint)view.CompletionStatus + (uint)view.ByteCount + view.LowerAddress;
        foreach (int maximum in (int[])[128, 4096])
        {
            _ = TlpRules.Check(view, maximum);
        }
    }
}
