using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Media.Files;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Media;

public sealed class IoUringFileMediumTests() : FileMediumTests(FileEngineKind.IoUring);

public sealed class ThreadFileMediumTests() : FileMediumTests(FileEngineKind.Threads);

/// <summary>What a file medium does when all goes well. The same for both engines.</summary>
public abstract unsafe class FileMediumTests(FileEngineKind kind) : IDisposable
{
    private const int KiB = 1 << 10;
    private const int MiB = 1 << 20;
    private const long TiB = 1L << 40;

    private readonly FileMediumHarness _harness = new(kind, 8 * MiB);

    public void Dispose()
    {
        _harness.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void NewFile_NeverWritten_ReadsAsZeroes()
    {
        _harness.Open();
        var data = new byte[64 * KiB];
        Array.Fill(data, (byte)0xA5);

        Assert.Equal(MediaStatus.Success, _harness.Read((8 * MiB) - data.Length, data));

        Assert.False(data.AsSpan().ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void Written_ReopenedFile_HasIt()
    {
        var data = new byte[300 * KiB];
        new Random(1).NextBytes(data);
        _harness.Open();
        Assert.Equal(MediaStatus.Success, _harness.Write(512, data));
        Assert.Equal(MediaStatus.Success, _harness.Flush());
        _harness.Close();

        _harness.Options = _harness.Options with { CreateIfMissing = false, SizeBytes = 0 };
        Assert.Equal(8 * MiB, _harness.Open().CapacityBytes);
        var read = new byte[data.Length];
        Assert.Equal(MediaStatus.Success, _harness.Read(512, read));

        Assert.True(data.AsSpan().SequenceEqual(read));
    }

    [Fact]
    public void RandomRequests_ManyUnderWay_EachSeesAllBeforeIt()
    {
        // Overlapping requests take effect in the order of their start, so a plain array says exactly what each read has to see.
        const int Capacity = 256 * KiB;
        _harness.Options = _harness.Options with { SizeBytes = Capacity, MaximumOutstanding = 32 };
        FileMedium medium = _harness.Open();
        var model = new byte[Capacity];
        var random = new Random(77);
        var buffers = new byte[32][];
        var expected = new byte[32][];
        for (int i = 0; i < buffers.Length; i++)
        {
            buffers[i] = GC.AllocateArray<byte>(48 * KiB, pinned: true);
            expected[i] = new byte[48 * KiB];
        }

        var free = new Stack<int>(Enumerable.Range(0, 32));
        var lengths = new int[32];
        var isRead = new bool[32];
        int completed = 0;
        for (int started = 0; started < 6000 || free.Count < 32;)
        {
            while (started < 6000 && free.TryPop(out int slot))
            {
                int length = 512 * random.Next(1, 96);
                int offset = 512 * random.Next(0, ((Capacity - length) / 512) + 1);
                MediaOperation operation = random.Next(8) switch
                {
                    0 => MediaOperation.Deallocate,
                    1 => MediaOperation.WriteZeroes,
                    2 => MediaOperation.Flush,
                    3 or 4 or 5 => MediaOperation.Write,
                    _ => MediaOperation.Read,
                };
                isRead[slot] = operation == MediaOperation.Read;
                lengths[slot] = length;
                Span<byte> range = model.AsSpan(offset, length);
                switch (operation)
                {
                    case MediaOperation.Read:
                        range.CopyTo(expected[slot]);
                        break;
                    case MediaOperation.Write:
                        random.NextBytes(buffers[slot].AsSpan(0, length));
                        buffers[slot].AsSpan(0, length).CopyTo(range);
                        break;
                    case MediaOperation.Deallocate or MediaOperation.WriteZeroes:
                        range.Clear();
                        break;
                }

                var request = new MediaRequest
                {
                    Operation = operation,
                    ForceUnitAccess = random.Next(50) == 0,
                    Offset = offset,
                    Length = length,
                    Data = (byte*)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(buffers[slot], 0),
                    Context = (ulong)slot,
                };
                Assert.Equal(MediaStart.Pending, medium.Start(request, out _));
                started++;
            }

            medium.Submit();
            foreach (MediaCompletion completion in _harness.Poll())
            {
                int slot = (int)completion.Context;
                Assert.Equal(MediaStatus.Success, completion.Status);
                Assert.True(!isRead[slot] || expected[slot].AsSpan(0, lengths[slot]).SequenceEqual(buffers[slot].AsSpan(0, lengths[slot])));
                free.Push(slot);
                completed++;
            }
        }

        Assert.Equal(6000, completed);
        var all = new byte[Capacity];
        Assert.Equal(MediaStatus.Success, _harness.Read(0, all));
        Assert.True(model.AsSpan().SequenceEqual(all));
    }

    [Fact]
    public void Start_TooManyUnderWay_IsBusyUntilOneEnds()
    {
        _harness.Options = _harness.Options with { MaximumOutstanding = 4 };
        FileMedium medium = _harness.Open();
        byte[] data = GC.AllocateArray<byte>(4 * KiB, pinned: true);
        var request = new MediaRequest { Operation = MediaOperation.Write, Length = 4 * KiB, Data = (byte*)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(data, 0) };
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(MediaStart.Pending, medium.Start(request, out _));
        }

        Assert.Equal(MediaStart.Busy, medium.Start(request, out _));
        medium.Submit();
        while (_harness.Poll().Length == 0)
        {
        }

        Assert.Equal(MediaStart.Pending, medium.Start(request, out _));
    }

    [Theory]
    [InlineData(MediaOperation.Deallocate)]
    [InlineData(MediaOperation.WriteZeroes)]
    public void Zeroed_Range_ReadsAsZeroesToItsVeryEdges(MediaOperation operation)
    {
        _harness.Open();
        var data = new byte[64 * KiB];
        Array.Fill(data, (byte)0xFF);
        _harness.Write(0, data);

        Assert.Equal(MediaStatus.Success, _harness.Zero(operation, 512, (40 * KiB) + 512));

        _harness.Read(0, data);
        Assert.False(data.AsSpan(512, (40 * KiB) + 512).ContainsAnyExcept((byte)0));
        Assert.False(data.AsSpan(0, 512).ContainsAnyExcept((byte)0xFF));
        Assert.False(data.AsSpan((41 * KiB)).ContainsAnyExcept((byte)0xFF));
    }

    [Fact]
    public void Deallocate_WrittenRange_GivesStorageBack()
    {
        _harness.Open();
        _harness.Write(0, new byte[4 * MiB]);
        _harness.Flush();
        long full = StoredBytes();

        Assert.Equal(MediaStatus.Success, _harness.Zero(MediaOperation.Deallocate, 0, 8 * MiB));

        Assert.InRange(full, 4 * MiB, 5 * MiB);
        Assert.InRange(StoredBytes(), 0, 256 * KiB);
    }

    [Fact]
    public void Deallocate_PreallocatedFile_KeepsItsStorage()
    {
        _harness.Options = _harness.Options with { Preallocate = true };
        _harness.Open();
        Assert.InRange(StoredBytes(), 8 * MiB, 9 * MiB);

        var data = new byte[KiB];
        Array.Fill(data, (byte)1);
        _harness.Write(0, data);
        Assert.Equal(MediaStatus.Success, _harness.Zero(MediaOperation.Deallocate, 0, 8 * MiB));

        Assert.InRange(StoredBytes(), 8 * MiB, 9 * MiB);
        _harness.Read(0, data);
        Assert.False(data.AsSpan().ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void File_OfTerabytes_TakesNoStorageUntilWritten()
    {
        _harness.Options = _harness.Options with { SizeBytes = 4 * TiB };
        _harness.Open();
        var data = new byte[4 * KiB];
        data[0] = 7;

        Assert.Equal(MediaStatus.Success, _harness.Write((4 * TiB) - data.Length, data));
        Assert.Equal(MediaStatus.Success, _harness.Zero(MediaOperation.Deallocate, 0, 4 * TiB - data.Length));

        Assert.InRange(StoredBytes(), 1, MiB);
        data[0] = 0;
        Assert.Equal(MediaStatus.Success, _harness.Read((4 * TiB) - data.Length, data));
        Assert.Equal(7, data[0]);
    }

    [Fact]
    public void Durability_OfWrites_IsSynchronisedWhereAskedFor()
    {
        ScriptedFileEngine engine = _harness.Open(inner => new ScriptedFileEngine(inner));
        var data = new byte[4 * KiB];

        _harness.Write(0, data);
        Assert.Equal([FileStepKind.Write], Seen());
        _harness.Write(0, data, isForced: true);
        Assert.Equal([FileStepKind.Write, FileStepKind.Synchronize], Seen());
        _harness.Flush();
        Assert.Equal([FileStepKind.Synchronize], Seen());
        _harness.Read(0, data);
        Assert.Equal([FileStepKind.Read], Seen());

        _harness.Medium.IsWriteCacheEnabled = false;
        _harness.Write(0, data);
        Assert.Equal([FileStepKind.Write, FileStepKind.Synchronize], Seen());
        _harness.Zero(MediaOperation.Deallocate, 0, 4 * KiB);
        Assert.Equal([FileStepKind.PunchHole, FileStepKind.Synchronize], Seen());
        _harness.Read(0, data);
        Assert.Equal([FileStepKind.Read], Seen());

        FileStepKind[] Seen()
        {
            FileStepKind[] seen = [.. engine.Seen];
            engine.Seen.Clear();
            return seen;
        }
    }

    [Fact]
    public void Requests_InSteadyState_AllocateNothing()
    {
        FileMedium medium = _harness.Open();
        byte[] data = GC.AllocateArray<byte>(4 * KiB, pinned: true);
        var completions = new MediaCompletion[8];
        Round(100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Round(2000);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Round(int count)
        {
            for (int i = 0; i < count; i++)
            {
                var request = new MediaRequest
                {
                    Operation = (MediaOperation)(i % 5 == 2 ? 0 : i % 5),
                    Offset = i % 100 * 4 * KiB,
                    Length = 4 * KiB,
                    Data = (byte*)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(data, 0),
                };
                medium.Start(request, out _);
                medium.Submit();
                while (!medium.HasCompletions || medium.Poll(completions) == 0)
                {
                    Thread.Yield();
                }
            }
        }
    }

    private long StoredBytes()
    {
        using var stat = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("stat", ["-c", "%b", _harness.Options.Path]) { RedirectStandardOutput = true })!;
        return 512 * long.Parse(stat.StandardOutput.ReadToEnd(), System.Globalization.CultureInfo.InvariantCulture);
    }
}
