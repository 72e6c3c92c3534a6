using PcieOe.Host.RootComplex;
using Xunit;

namespace PcieOe.Host.Tests.RootComplex;

public sealed unsafe class DmaWindowTests
{
    [Theory]
    [InlineData(0x1000UL, 0x1000UL, DmaMapResult.Overlap)]
    [InlineData(0x1FFFUL, 1UL, DmaMapResult.Overlap)]
    [InlineData(0x0FFFUL, 2UL, DmaMapResult.Overlap)]
    [InlineData(0UL, ulong.MaxValue, DmaMapResult.Overlap)]
    [InlineData(0x0FFFUL, 1UL, DmaMapResult.Success)]
    [InlineData(0x2000UL, 1UL, DmaMapResult.Success)]
    [InlineData(0x5000UL, 0UL, DmaMapResult.InvalidRange)]
    [InlineData(0xFFFF_FFFF_FFFF_F000UL, 0x1001UL, DmaMapResult.InvalidRange)]
    [InlineData(0xFFFF_FFFF_FFFF_F000UL, 0x1000UL, DmaMapResult.Success)]
    public void Map_BesideAndUponAnother_IsJudged(ulong address, ulong length, DmaMapResult expected)
    {
        DmaWindow window = new();
        Assert.Equal(DmaMapResult.Success, window.Map(0x1000, 0x1000, null, null, DmaAccess.Read));
        Assert.Equal(expected, window.Map(address, length, null, null, DmaAccess.Read));
    }

    [Theory]
    [InlineData(0x1000UL, 0xFFFUL)]
    [InlineData(0x1001UL, 0x1000UL)]
    [InlineData(0x1000UL, 0UL)]
    [InlineData(0x3000UL, 0x1000UL)]
    public void Unmap_NotExactlyARange_IsNotFound(ulong address, ulong length)
    {
        DmaWindow window = new();
        window.Map(0x1000, 0x1000, null, null, DmaAccess.Read);
        Assert.Equal(DmaMapResult.NotFound, window.Unmap(address, length));
        Assert.Equal(1, window.Count);
    }

    [Fact]
    public void Transfers_RandomMapsAndUnmaps_MatchAModel()
    {
        const int Pages = 64;
        const int PageBytes = 64;
        byte[] memory = GC.AllocateArray<byte>(Pages * PageBytes, pinned: true);
        DmaAccess[] model = new DmaAccess[Pages];
        byte[] expected = new byte[memory.Length];
        byte[] data = new byte[4 * PageBytes];
        DmaWindow window = new();
        Random random = new(20);
        fixed (byte* start = memory)
        {
            for (int step = 0; step < 100_000; step++)
            {
                int page = random.Next(Pages);
                ulong pageAddress = 0x10_0000 + (ulong)(page * PageBytes);
                switch (random.Next(4))
                {
                    case 0:
                        DmaAccess access = (DmaAccess)random.Next(1, 4);
                        DmaMapResult result = window.Map(pageAddress, PageBytes, start + page * PageBytes, null, access);
                        Assert.Equal(model[page] == 0 ? DmaMapResult.Success : DmaMapResult.Overlap, result);
                        model[page] = model[page] == 0 ? access : model[page];
                        break;
                    case 1:
                        Assert.Equal(model[page] == 0 ? DmaMapResult.NotFound : DmaMapResult.Success, window.Unmap(pageAddress, PageBytes));
                        model[page] = 0;
                        break;
                    default:
                        int offset = random.Next(memory.Length);
                        int length = random.Next(1, Math.Min(data.Length, memory.Length - offset) + 1);
                        DmaAccess wanted = (DmaAccess)random.Next(1, 3);
                        bool isMapped = true;
                        for (int touched = offset / PageBytes; touched <= (offset + length - 1) / PageBytes; touched++)
                        {
                            isMapped &= (model[touched] & wanted) != 0;
                        }

                        ulong address = 0x10_0000 + (ulong)offset;
                        Assert.Equal(isMapped ? DmaReach.Direct : DmaReach.Refused, window.Reach(address, length, wanted));
                        if (isMapped && wanted == DmaAccess.Write)
                        {
                            random.NextBytes(data.AsSpan(0, length));
                            data.AsSpan(0, length).CopyTo(expected.AsSpan(offset));
                            window.Write(address, data.AsSpan(0, length));
                        }
                        else if (isMapped)
                        {
                            window.Read(address, data.AsSpan(0, length));
                            Assert.True(data.AsSpan(0, length).SequenceEqual(expected.AsSpan(offset, length)));
                        }

                        break;
                }
            }
        }

        Assert.Equal(expected, memory);
    }

    [Fact]
    public void Map_AsManyAsAllowed_ThenTooMany()
    {
        DmaWindow window = new();
        for (int i = 0; i < DmaWindow.MaximumRanges; i++)
        {
            Assert.Equal(DmaMapResult.Success, window.Map((ulong)i * 0x2000, 0x1000, null, null, DmaAccess.Read));
        }

        Assert.Equal(DmaMapResult.TooMany, window.Map(0x1000, 0x1000, null, null, DmaAccess.Read));
        window.Clear();
        Assert.Equal(0UL, window.MappedBytes);
        Assert.Equal(DmaMapResult.Success, window.Map(0x1000, 0x1000, null, null, DmaAccess.Read));
    }
}
