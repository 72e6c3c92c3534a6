using System.Runtime.InteropServices;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Tests.Model;

/// <summary>Lays a command's buffer out in pieces, behind PRP entries or SGL descriptors. The region's last page holds lists.</summary>
internal static class DataPieces
{
    private const int DataPages = 15;

    /// <summary>Pages in random order, the first with a random offset.</summary>
    public static void Prp(ref SubmissionEntry entry, ModelCommand command, ControllerHarness harness, ulong region, int length, Random random)
    {
        int[] pages = [.. Enumerable.Range(0, DataPages)];
        random.Shuffle(pages);
        int offset = random.Next(2) == 0 ? 0 : random.Next(1024) * 4;
        command.Pieces.Clear();
        int left = length;
        foreach (int page in pages)
        {
            int start = command.Pieces.Count == 0 ? offset : 0;
            int piece = Math.Min(left, 4096 - start);
            command.Pieces.Add((region + (ulong)(page * 4096 + start), piece));
            left -= piece;
            if (left == 0)
            {
                break;
            }
        }

        entry.Prp1 = command.Pieces[0].Address;
        if (command.Pieces.Count == 2)
        {
            entry.Prp2 = command.Pieces[1].Address;
        }
        else if (command.Pieces.Count > 2)
        {
            entry.Prp2 = region + DataPages * 4096;
            for (int i = 1; i < command.Pieces.Count; i++)
            {
                BitConverter.TryWriteBytes(harness.Host.Bytes(entry.Prp2 + (ulong)(i - 1) * 8, 8), command.Pieces[i].Address);
            }
        }
    }

    /// <summary>One block, or a chain of segments of pieces with gaps.</summary>
    public static void Sgl(ref SubmissionEntry entry, ModelCommand command, ControllerHarness harness, ulong region, int length, Random random)
    {
        entry.DataPointer = DataPointerKind.Sgl;
        command.Pieces.Clear();
        int pieces = 1 + random.Next(6);
        ulong address = region + (ulong)random.Next(64);
        int left = length;
        for (int i = 0; i < pieces && left > 0; i++)
        {
            int piece = i == pieces - 1 ? left : random.Next(left + 1);
            command.Pieces.Add((address, piece));
            address += (ulong)(piece + random.Next(500));
            left -= piece;
        }

        if (command.Pieces.Count == 1)
        {
            entry.Sgl = SglDescriptor.Create(SglType.DataBlock, command.Pieces[0].Address, (uint)length);
            return;
        }

        // The first pieces in one segment, the rest in another.
        ulong list = region + DataPages * 4096;
        int inFirst = 1 + random.Next(command.Pieces.Count - 1);
        var descriptors = new List<SglDescriptor>();
        foreach ((ulong start, int bytes) in command.Pieces)
        {
            if (descriptors.Count == inFirst)
            {
                descriptors.Add(SglDescriptor.Create(SglType.LastSegment, list + 1024, (uint)(command.Pieces.Count - inFirst) * 16));
            }

            descriptors.Add(SglDescriptor.Create(SglType.DataBlock, start, (uint)bytes));
        }

        Span<SglDescriptor> all = CollectionsMarshal.AsSpan(descriptors);
        MemoryMarshal.AsBytes(all[..(inFirst + 1)]).CopyTo(harness.Host.Bytes(list, 1024));
        MemoryMarshal.AsBytes(all[(inFirst + 1)..]).CopyTo(harness.Host.Bytes(list + 1024, 1024));
        entry.Sgl = SglDescriptor.Create(SglType.Segment, list, (uint)(inFirst + 1) * 16);
    }

    /// <summary>One piece in the controller memory buffer.</summary>
    public static void InMemoryBuffer(ref SubmissionEntry entry, ModelCommand command, ulong region, int length)
    {
        entry.DataPointer = DataPointerKind.Sgl;
        entry.Sgl = SglDescriptor.Create(SglType.DataBlock, region, (uint)length);
        command.Pieces.Clear();
        command.Pieces.Add((region, length));
    }

    public static void Copy(ModelCommand command, ControllerHarness harness, ReadOnlySpan<byte> data)
    {
        foreach ((ulong address, int length) in command.Pieces)
        {
            if (address >= ControllerHarness.MemoryBufferBase)
            {
                harness.Function.TryWriteMemory(ControllerHarness.Bar2 + address - ControllerHarness.MemoryBufferBase, data[..length], harness.Now);
            }
            else
            {
                data[..length].CopyTo(harness.Host.Bytes(address, length));
            }

            data = data[length..];
        }
    }

    public static void Gather(ModelCommand command, ControllerHarness harness, Span<byte> data)
    {
        foreach ((ulong address, int length) in command.Pieces)
        {
            harness.Host.Bytes(address, length).CopyTo(data);
            data = data[length..];
        }
    }
}
