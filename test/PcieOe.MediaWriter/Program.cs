using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Media.Files;
using PcieOe.MediaWriter;

// Writes to a file medium until it is killed, and tells on standard output what was acknowledged: for each write its first block,
// its number of blocks and its version, as three little-endian 64-bit numbers.
// Arguments: path, size in bytes, engine, first version, and "deny-io-uring" for a process that may not use it.
const int Slots = 32;
const int MaximumBlocks = 8;

if (args.Length > 4 && args[4] == "deny-io-uring")
{
    SystemCallFilter.DenyIoUring();
}

var options = new FileMediumOptions
{
    Path = args[0],
    SizeBytes = long.Parse(args[1], CultureInfo.InvariantCulture),
    CreateIfMissing = true,
    Engine = Enum.Parse<FileEngineKind>(args[2]),
    MaximumOutstanding = Slots,
};
long version = long.Parse(args[3], CultureInfo.InvariantCulture);
var random = new Random((int)version);
using FileMedium medium = FileMedium.Open(options);
Console.Error.WriteLine(medium.EngineDescription);
using var output = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
long blocks = medium.CapacityBytes / WriterPattern.BlockBytes;
byte[] buffers = GC.AllocateArray<byte>(Slots * MaximumBlocks * WriterPattern.BlockBytes, pinned: true);
var writes = new (long First, int Count, long Version)[Slots];
var free = new Stack<int>(Enumerable.Range(0, Slots));
var completions = new MediaCompletion[Slots];
var acknowledgements = new byte[Slots * 24];
while (true)
{
    while (free.TryPop(out int slot))
    {
        Start(slot);
    }

    medium.Submit();
    int count = medium.Poll(completions);
    int length = 0;
    foreach (MediaCompletion completion in completions.AsSpan(0, count))
    {
        if (completion.Status != MediaStatus.Success)
        {
            Console.Error.WriteLine($"A write ended with {completion.Status}.");
            return 1;
        }

        int slot = (int)completion.Context;
        (long first, int number, long written) = writes[slot];
        if (number > 0)
        {
            BinaryPrimitives.WriteInt64LittleEndian(acknowledgements.AsSpan(length), first);
            BinaryPrimitives.WriteInt64LittleEndian(acknowledgements.AsSpan(length + 8), number);
            BinaryPrimitives.WriteInt64LittleEndian(acknowledgements.AsSpan(length + 16), written);
            length += 24;
        }

        free.Push(slot);
    }

    if (length > 0)
    {
        output.Write(acknowledgements, 0, length);
    }
    else
    {
        Thread.Yield();
    }
}

unsafe void Start(int slot)
{
    bool isFlush = random.Next(200) == 0;
    int count = isFlush ? 0 : random.Next(1, MaximumBlocks + 1);
    long first = random.NextInt64(blocks - count + 1);
    writes[slot] = (first, count, ++version);
    int at = slot * MaximumBlocks * WriterPattern.BlockBytes;
    for (int i = 0; i < count; i++)
    {
        WriterPattern.Fill(buffers.AsSpan(at + (i * WriterPattern.BlockBytes), WriterPattern.BlockBytes), first + i, version);
    }

    var request = new MediaRequest
    {
        Operation = isFlush ? MediaOperation.Flush : MediaOperation.Write,
        ForceUnitAccess = random.Next(400) == 0,
        Offset = first * WriterPattern.BlockBytes,
        Length = count * WriterPattern.BlockBytes,
        Data = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(buffers, at),
        Context = (ulong)slot,
    };
    if (medium.Start(request, out _) != MediaStart.Pending)
    {
        throw new InvalidOperationException("The medium takes no more, though it was made for so many.");
    }
}
