using System.Diagnostics;
using PcieOe.FlashEndpoint.Interop;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Media.Files;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Media;

public sealed class IoUringFileMediumErrorTests() : FileMediumErrorTests(FileEngineKind.IoUring);

public sealed class ThreadFileMediumErrorTests() : FileMediumErrorTests(FileEngineKind.Threads);

/// <summary>What a file medium does when the system fails it. The same for both engines.</summary>
public abstract class FileMediumErrorTests(FileEngineKind kind) : IDisposable
{
    private const int KiB = 1 << 10;
    private const int MiB = 1 << 20;

    private readonly FileMediumHarness _harness = new(kind, MiB);

    public void Dispose()
    {
        _harness.Dispose();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData(Errno.InputOutput, MediaStatus.WriteError)]
    [InlineData(Errno.NoSpace, MediaStatus.OutOfSpace)]
    [InlineData(Errno.QuotaExceeded, MediaStatus.OutOfSpace)]
    [InlineData(Errno.FileTooBig, MediaStatus.OutOfSpace)]
    public void FailedWrite_OfOne_IsToldAndHarmsNoOther(int error, MediaStatus expected)
    {
        ScriptedFileEngine engine = _harness.Open(inner => new ScriptedFileEngine(inner));
        var data = new byte[4 * KiB];
        Array.Fill(data, (byte)3);
        engine.OnStep = (ref FileStep step) => step.Kind == FileStepKind.Write && step.Offset == 8 * KiB ? error : ScriptedFileEngine.Pass;

        Assert.Equal(expected, _harness.Write(8 * KiB, data));
        Assert.Equal(MediaStatus.Success, _harness.Write(0, data));
        Assert.Equal(MediaStatus.Success, _harness.Flush());

        Assert.False(_harness.Medium.IsFaulted);
        engine.OnStep = (ref FileStep _) => ScriptedFileEngine.Pass;
        Assert.Equal(MediaStatus.Success, _harness.Write(8 * KiB, data));
    }

    [Fact]
    public void FailedRead_IsToldAndHarmsNoOther()
    {
        ScriptedFileEngine engine = _harness.Open(inner => new ScriptedFileEngine(inner));
        engine.OnStep = (ref FileStep step) => step.Kind == FileStepKind.Read && step.Offset == 0 ? Errno.InputOutput : ScriptedFileEngine.Pass;

        Assert.Equal(MediaStatus.ReadError, _harness.Read(0, new byte[512]));
        Assert.Equal(MediaStatus.Success, _harness.Read(512, new byte[512]));
        Assert.False(_harness.Medium.IsFaulted);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FailedSynchronisation_Ever_FaultsTheMediumUntilItIsOpenedAnew(bool isForcedWrite)
    {
        ScriptedFileEngine engine = _harness.Open(inner => new ScriptedFileEngine(inner));
        var data = new byte[4 * KiB];
        bool hasFailed = false;

        // As the kernel does it: the error is told once, and the next attempt would succeed.
        engine.OnStep = (ref FileStep step) =>
        {
            bool fails = step.Kind == FileStepKind.Synchronize && !hasFailed;
            hasFailed |= fails;
            return fails ? Errno.InputOutput : ScriptedFileEngine.Pass;
        };

        Assert.Equal(MediaStatus.Success, _harness.Write(0, data));
        Assert.Equal(MediaStatus.WriteError, isForcedWrite ? _harness.Write(0, data, isForced: true) : _harness.Flush());

        Assert.True(_harness.Medium.IsFaulted);
        Assert.Equal(MediaStatus.WriteError, _harness.Flush());
        Assert.Equal(MediaStatus.WriteError, _harness.Write(0, data));
        Assert.Equal(MediaStatus.WriteError, _harness.Zero(MediaOperation.Deallocate, 0, MiB));
        Assert.Equal(MediaStatus.ReadError, _harness.Read(0, data));

        _harness.Close();
        _harness.Open();
        Assert.Equal(MediaStatus.Success, _harness.Flush());
    }

    [Fact]
    public void ShortReadsAndWrites_AreContinued()
    {
        ScriptedFileEngine engine = _harness.Open(inner => new ScriptedFileEngine(inner));
        var random = new Random(4);
        engine.OnStep = (ref FileStep step) =>
        {
            step.Length = step.Length == 0 ? 0 : random.NextInt64(1, step.Length + 1);
            return ScriptedFileEngine.Pass;
        };
        var data = new byte[512 * KiB];
        random.NextBytes(data);

        Assert.Equal(MediaStatus.Success, _harness.Write(4 * KiB, data));
        var read = new byte[data.Length];
        Assert.Equal(MediaStatus.Success, _harness.Read(4 * KiB, read));

        Assert.True(data.AsSpan().SequenceEqual(read));
        Assert.True(engine.Seen.Count > 4);
    }

    [Theory]
    [InlineData(Errno.Interrupted)]
    [InlineData(Errno.TryAgain)]
    public void InterruptedSteps_AreDoneAgain(int error)
    {
        ScriptedFileEngine engine = _harness.Open(inner => new ScriptedFileEngine(inner));
        int count = 0;
        engine.OnStep = (ref FileStep _) => ++count % 3 != 0 ? error : ScriptedFileEngine.Pass;
        var data = new byte[4 * KiB];
        data[5] = 9;

        Assert.Equal(MediaStatus.Success, _harness.Write(0, data, isForced: true));
        data[5] = 0;
        Assert.Equal(MediaStatus.Success, _harness.Read(0, data));

        Assert.Equal(9, data[5]);
        Assert.Equal(9, count);
    }

    [Fact]
    public void FileMadeShorterBeneath_ReadsFail()
    {
        _harness.Open();
        int descriptor = Libc.Open(_harness.Options.Path, Libc.OpenReadWrite, 0);
        Assert.Equal(0, Libc.Truncate(descriptor, 64 * KiB));
        Assert.Equal(0, Libc.Close(descriptor));

        Assert.Equal(MediaStatus.ReadError, _harness.Read(60 * KiB, new byte[8 * KiB]));
        Assert.Equal(MediaStatus.Success, _harness.Read(0, new byte[8 * KiB]));
    }

    [Theory]
    [InlineData(MediaOperation.Deallocate, 0)]
    [InlineData(MediaOperation.Deallocate, 1)]
    [InlineData(MediaOperation.Deallocate, 2)]
    [InlineData(MediaOperation.WriteZeroes, 0)]
    [InlineData(MediaOperation.WriteZeroes, 1)]
    [InlineData(MediaOperation.WriteZeroes, 2)]
    public void FileSystemWithoutWaysToZero_IsAskedOnceAndGetsAnother(MediaOperation operation, int refused)
    {
        FileStepKind[] ways = operation == MediaOperation.Deallocate
            ? [FileStepKind.PunchHole, FileStepKind.ZeroRange, FileStepKind.Write]
            : [FileStepKind.ZeroRange, FileStepKind.PunchHole, FileStepKind.Write];
        ScriptedFileEngine engine = _harness.Open(inner => new ScriptedFileEngine(inner));
        engine.OnStep = (ref FileStep step) => ways.AsSpan(0, refused).Contains(step.Kind) ? Errno.NotSupported : ScriptedFileEngine.Pass;
        var data = new byte[MiB];
        Array.Fill(data, (byte)0xEE);
        _harness.Write(0, data);
        engine.Seen.Clear();

        Assert.Equal(MediaStatus.Success, _harness.Zero(operation, 512, MiB - 1024));
        Assert.Equal(ways[..(refused + 1)], engine.Seen);

        engine.Seen.Clear();
        Assert.Equal(MediaStatus.Success, _harness.Zero(operation, 512, 512));
        Assert.Equal([ways[refused]], engine.Seen);

        _harness.Read(0, data);
        Assert.False(data.AsSpan(512, MiB - 1024).ContainsAnyExcept((byte)0));
        Assert.Equal(1024, data.AsSpan().Count((byte)0xEE));
    }

    [Fact]
    [Trait("Category", "System")]
    public void FullDisk_IsToldAndEndsWhenThereIsRoom()
    {
        using var disk = SmallDisk.Mount(4 * MiB);
        using var harness = new FileMediumHarness(kind, 16 * MiB, disk.Path);
        harness.Open();
        var data = new byte[MiB];
        Array.Fill(data, (byte)0x42);
        int written = 0;
        MediaStatus status = MediaStatus.Success;
        while (status == MediaStatus.Success && written < 16)
        {
            status = harness.Write(written * (long)MiB, data);
            written += status == MediaStatus.Success ? 1 : 0;
        }

        Assert.Equal(MediaStatus.OutOfSpace, status);
        Assert.InRange(written, 3, 4);
        Assert.False(harness.Medium.IsFaulted);
        Assert.Equal(MediaStatus.Success, harness.Read(0, data));
        Assert.False(data.AsSpan().ContainsAnyExcept((byte)0x42));

        // A memory file system cannot zero a range in place: a hole does.
        Assert.Equal(MediaStatus.Success, harness.Zero(MediaOperation.WriteZeroes, 0, 2 * MiB));
        Assert.Equal(MediaStatus.Success, harness.Write(8 * MiB, data));
        Assert.Equal(MediaStatus.Success, harness.Flush());
    }

    [Fact]
    [Trait("Category", "System")]
    public void FullDisk_PreallocatedFile_IsRefusedAtOnce()
    {
        using var disk = SmallDisk.Mount(4 * MiB);
        using var harness = new FileMediumHarness(kind, 16 * MiB, disk.Path);
        harness.Options = harness.Options with { Preallocate = true };

        MediaException refusal = Assert.Throws<MediaException>(harness.Open);

        Assert.Contains("free space", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(disk.Path));
    }

    /// <summary>A file system in memory, of a size of its own. It lies above a directory that the harness deletes what is in.</summary>
    private sealed class SmallDisk : IDisposable
    {
        private readonly string _mountPoint = Directory.CreateTempSubdirectory("pcieoe-disk-").FullName;

        public string Path => System.IO.Path.Combine(_mountPoint, "media");

        public static SmallDisk Mount(long bytes)
        {
            var disk = new SmallDisk();
            if (Run("mount", "-t", "tmpfs", "-o", $"size={bytes}", "pcieoe-test", disk._mountPoint) != 0)
            {
                Directory.Delete(disk._mountPoint);
                Assert.Skip("Mounting a file system needs root.");
            }

            Directory.CreateDirectory(disk.Path);
            return disk;
        }

        public void Dispose()
        {
            Run("umount", _mountPoint);
            Directory.Delete(_mountPoint);
        }

        private static int Run(string command, params string[] arguments)
        {
            using Process process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode;
        }
    }
}
