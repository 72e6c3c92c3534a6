using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Media.Memory;
using PcieOe.Protocol.Frames;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Media;

/// <summary>Some of these look at the memory of the whole process, so nothing runs beside them.</summary>
[Collection(nameof(ProcessMemoryCollection))]
public sealed unsafe class MemoryMediumTests
{
    private const long MiB = 1 << 20;
    private const long TiB = 1L << 40;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void RandomRequests_AgainstPlainArray_ContentsAreEqual(bool useHugePages)
    {
        // Not a multiple of the chunks the medium keeps track of.
        const int Capacity = (9 << 20) + (3 * 512);
        using var medium = new MemoryMedium(Capacity, useHugePages);
        var model = new byte[Capacity];
        var random = new Random(21);
        var data = new byte[3 << 20];
        var completions = new MediaCompletion[4];
        for (int i = 0; i < 600; i++)
        {
            int length = 512 * random.Next(1, random.Next(4) == 0 ? 6 << 11 : 200);
            int offset = 512 * random.Next(0, (Capacity - Math.Min(length, Capacity)) / 512);
            length = Math.Min(length, Capacity - offset);
            Span<byte> expected = model.AsSpan(offset, length);
            switch (random.Next(7))
            {
                case 0 or 1 when length <= data.Length:
                    random.NextBytes(data.AsSpan(0, length));
                    Do(medium, MediaOperation.Write, offset, data.AsSpan(0, length));
                    data.AsSpan(0, length).CopyTo(expected);
                    break;
                case 2:
                    DoZero(medium, random.Next(2) == 0 ? MediaOperation.Deallocate : MediaOperation.WriteZeroes, offset, length);
                    expected.Clear();
                    break;
                case 3:
                    Assert.Equal(0, medium.Poll(completions));
                    break;
                case 4:
                    medium.Prefetch(offset, length);
                    break;
                case 5:
                    AssertReadChecked(medium, offset, expected[..Math.Min(length, 9216)]);
                    break;
                default:
                    var read = new byte[length];
                    Array.Fill(read, (byte)0xA5);
                    medium.Read(offset, read);
                    Assert.True(expected.SequenceEqual(read));
                    break;
            }
        }

        var all = new byte[Capacity];
        Do(medium, MediaOperation.Read, 0, all);
        Assert.True(model.AsSpan().SequenceEqual(all));
    }

    [Fact]
    public void ReadChecked_OfBlocksInTheOrderAnnounced_GivesContentAndRegister()
    {
        const int Blocks = 700, Block = 4096;
        using var medium = new MemoryMedium(Blocks * Block);
        var model = new byte[Blocks * Block];
        new Random(22).NextBytes(model);
        Do(medium, MediaOperation.Write, 0, model);
        var random = new Random(23);
        for (int round = 0; round < 200; round++)
        {
            int[] order = [.. Enumerable.Range(0, random.Next(1, 40)).Select(_ => Block * random.Next(Blocks))];
            Array.ForEach(order, offset => medium.Prefetch(offset, Block));
            foreach (int offset in order)
            {
                int cut = 4 * random.Next(Block / 4);
                AssertReadChecked(medium, offset, model.AsSpan(offset, cut));
                AssertReadChecked(medium, offset + cut, model.AsSpan(offset + cut, Block - cut));
            }
        }
    }

    [Fact]
    public void Medium_OfTerabytes_CostsNothingUntilWritten()
    {
        long before = ResidentBytes();
        using var medium = new MemoryMedium(64 * TiB);
        var block = new byte[4096];
        Array.Fill(block, (byte)0x5A);
        Do(medium, MediaOperation.Write, (64 * TiB) - 4096, block);
        Do(medium, MediaOperation.Write, 7 * TiB, block);
        var read = new byte[1 << 20];
        for (long offset = 0; offset < 64 * TiB; offset += TiB / 2)
        {
            medium.Read(offset, read);
            Assert.Equal(offset == 7 * TiB, read.AsSpan().ContainsAnyExcept((byte)0));
        }

        medium.Read((64 * TiB) - 4096, block);
        Assert.False(block.AsSpan().ContainsAnyExcept((byte)0x5A));
        Assert.InRange(ResidentBytes() - before, long.MinValue, 64 * MiB);
    }

    [Fact]
    public void Deallocate_WrittenMemory_ReturnsIt()
    {
        using var medium = new MemoryMedium(256 * MiB);
        var data = new byte[16 * MiB];
        for (int i = 0; i < 16; i++)
        {
            Do(medium, MediaOperation.Write, i * 16 * MiB, data);
        }

        long full = ResidentBytes();
        DoZero(medium, MediaOperation.Deallocate, 0, 256 * MiB);
        int polls = 0;
        while (medium.HasCompletions)
        {
            medium.Poll([]);
            polls++;
        }

        Assert.InRange(polls, 128, 129);
        Assert.InRange(ResidentBytes(), 0, full - (200 * MiB));
    }

    [Fact]
    public void Deallocate_WholeMediumOfTerabytes_IsDoneAtOnce()
    {
        using var medium = new MemoryMedium(16 * TiB);
        var block = new byte[512];
        block[0] = 1;
        Do(medium, MediaOperation.Write, 5 * TiB, block);

        DoZero(medium, MediaOperation.Deallocate, 0, 16 * TiB);

        medium.Read(5 * TiB, block);
        Assert.Equal(0, block[0]);
    }

    [Fact]
    public void Write_MemoryNotYetReturned_LeavesNothingOld()
    {
        using var medium = new MemoryMedium(8 * MiB);
        var old = new byte[8 * MiB];
        Array.Fill(old, (byte)0xEE);
        Do(medium, MediaOperation.Write, 0, old);
        DoZero(medium, MediaOperation.WriteZeroes, 0, 8 * MiB);

        var block = new byte[512];
        Array.Fill(block, (byte)0x11);
        Do(medium, MediaOperation.Write, 3 * MiB, block);

        var read = new byte[8 * MiB];
        medium.Read(0, read);
        Assert.Equal(512, read.AsSpan().Count((byte)0x11));
        Assert.Equal(read.Length - 512, read.AsSpan().Count((byte)0));
    }

    [Fact]
    public void Preallocated_Medium_TakesItsMemoryAtOnce()
    {
        long before = ResidentBytes();
        using var medium = new MemoryMedium(64 * MiB, preallocate: true);

        Assert.InRange(ResidentBytes() - before, 60 * MiB, long.MaxValue);
        var read = new byte[MiB];
        medium.Read(13 * MiB, read);
        Assert.False(read.AsSpan().ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void Medium_BeyondTheAddressSpace_IsRefusedWithAdvice()
    {
        MediaException refusal = Assert.Throws<MediaException>(() => new MemoryMedium(1L << 60));

        Assert.Contains("smaller size", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Requests_InSteadyState_AllocateNothing()
    {
        using var medium = new MemoryMedium(64 * MiB);
        var data = new byte[4096];
        Do(medium, MediaOperation.Write, 0, data);
        medium.Read(0, data);
        DoZero(medium, MediaOperation.Deallocate, 0, MiB);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            Do(medium, MediaOperation.Write, i * 4096, data);
            medium.Read(i * 4096, data);
            DoZero(medium, MediaOperation.Deallocate, i * 8192, 8192);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static void Do(MemoryMedium medium, MediaOperation operation, long offset, Span<byte> data)
    {
        fixed (byte* pointer = data)
        {
            var request = new MediaRequest { Operation = operation, Offset = offset, Length = data.Length, Data = pointer };
            Assert.True(medium.Start(request, out MediaStatus status) == MediaStart.Completed && status == MediaStatus.Success);
        }
    }

    private static void AssertReadChecked(MemoryMedium medium, int offset, ReadOnlySpan<byte> expected)
    {
        var read = new byte[expected.Length];
        Array.Fill(read, (byte)0xA5);
        uint register = medium.ReadChecked(offset, read);
        Assert.True(expected.SequenceEqual(read));
        Assert.Equal(Crc32C.Append(0, expected), register);
    }

    private static void DoZero(MemoryMedium medium, MediaOperation operation, long offset, long length)
    {
        var request = new MediaRequest { Operation = operation, Offset = offset, Length = length };
        Assert.True(medium.Start(request, out MediaStatus status) == MediaStart.Completed && status == MediaStatus.Success);
    }

    private static long ResidentBytes() =>
        long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture) * 4096;
}

[CollectionDefinition(nameof(ProcessMemoryCollection), DisableParallelization = true)]
public sealed class ProcessMemoryCollection;
